import Green
import Testing

@Suite("Channels in async functions")
struct ChannelAsyncTests {
    @Test(arguments: [nil, 0, 1, 10])
    func `pass items between Tasks and green threads, in order`(capacity: Int?) async throws {
        let (numbers, squares) = (Channel<Int>(capacity: capacity), Channel<Int>(capacity: capacity))
        let thread = try threadOnNewHub {
            while let number = try numbers.next() {
                try squares.send(number * number)
            }
            squares.close()
        }
        let sender = Task {
            for number in 0..<500 {
                try await numbers.send(number)
            }
            numbers.close()
        }
        var received: [Int] = []
        for try await square in squares.values {
            received.append(square)
        }
        #expect(received == (0..<500).map { $0 * $0 })
        try await sender.value
        try await thread.value
        await #expect(throws: ChannelClosed.self) { try await squares.receive() }
        await #expect(throws: ChannelClosed.self) { try await squares.send(1) }
        #expect(try await squares.next() == nil)
    }

    @Test
    func `block no OS thread while Tasks wait`() async throws {
        let channel = Channel<Int>(capacity: 0)
        let receivers = (0..<200).map { _ in Task { try await channel.receive() } }
        try await eventually { channel.receivingCount == 200 }
        let senders = (0..<300).map { number in Task { try await channel.send(number) } }
        try await eventually { channel.sendingCount == 100 }
        var rest = 0
        for _ in 0..<100 {
            rest += try await channel.receive()
        }
        for sender in senders {
            try await sender.value
        }
        for receiver in receivers {
            rest += try await receiver.value
        }
        #expect(rest == (0..<300).reduce(0, +))
    }

    @Test
    func `throw CancellationError in a Task that is cancelled, before and during the call, and take nothing`()
        async throws
    {
        let channel = Channel<Int>(capacity: 1)
        let during = Task { try await channel.receive() }
        try await eventually { channel.receivingCount == 1 }
        during.cancel()
        await #expect(throws: CancellationError.self) { try await during.value }
        #expect(channel.receivingCount == 0)

        try await channel.send(1)
        let sends = Task { try await channel.send(2) }
        try await eventually { channel.sendingCount == 1 }
        sends.cancel()
        await #expect(throws: CancellationError.self) { try await sends.value }

        let before = Task {
            unsafe withUnsafeCurrentTask { unsafe $0!.cancel() }
            await #expect(throws: CancellationError.self) { try await channel.send(3) }
            await #expect(throws: CancellationError.self) { for try await _ in channel.values {} }
            return try await channel.next()
        }
        await #expect(throws: CancellationError.self) { try await before.value }
        #expect(try channel.tryReceive() == 1)
        #expect(try channel.tryReceive() == nil)
    }

    @Test(arguments: [0, 1])
    func `lose no item when a receive is served and cancelled at once`(capacity: Int) async throws {
        let channel = Channel<Int>(capacity: capacity)
        for round in 0..<1000 {
            let receiver = Task { try await channel.receive() }
            let sender = Task { try await channel.send(round) }
            let canceller = Task { receiver.cancel() }
            await canceller.value
            switch await receiver.result {
            case .success(let item): #expect(item == round)
            case .failure: #expect(try await channel.receive() == round)
            }
            try await sender.value
            #expect(channel.isEmpty)
        }
    }

    @Test
    func `end the waits of Tasks when they are closed`() async throws {
        let channel = Channel<Int>(capacity: 0)
        let receivers = (0..<10).map { _ in
            Task {
                var items: [Int] = []
                for try await item in channel.values {
                    items.append(item)
                }
                return items
            }
        }
        try await eventually { channel.receivingCount == 10 }
        channel.close()
        for receiver in receivers {
            #expect(try await receiver.value == [])
        }
    }

    @Test
    func `destroy each item once, also those that were not sent`() async throws {
        let gone = Count()
        let channel = Channel<Guest>(capacity: 1)
        try await channel.send(Guest(gone))
        let sender = Task { try await channel.send(Guest(gone, number: 1)) }
        try await eventually { channel.sendingCount == 1 }
        sender.cancel()
        await #expect(throws: CancellationError.self) { try await sender.value }
        try await eventually { gone.value == 1 }
        let waiting = Task { try await channel.send(Guest(gone, number: 2)) }
        try await eventually { channel.sendingCount == 1 }
        _ = try await channel.receive()
        try await waiting.value
        #expect(try await channel.receive().number == 2)
        try await eventually { gone.value == 3 }
    }

    @Test
    func `have the algorithms of async sequences in values, and those of sequences themselves`() async throws {
        let channel = Channel<Int>()
        for number in 0..<4 {
            try await channel.send(number)
        }
        channel.close()
        let doubled = channel.values.filter { $0 > 0 }.map { $0 * 2 }.prefix(2)
        #expect(try await doubled.reduce(into: []) { $0.append($1) } == [2, 4])

        func synchronous() throws -> [Int] {
            let other = Channel<Int>()
            try other.send(5)
            other.close()
            return try other.prefix(1).map { try $0.get() }
        }
        #expect(try synchronous() == [5])
    }
}

@Suite("Promises and remote threads in async functions")
struct PromiseAsyncTests {
    @Test
    func `a Task waits for a promise, without an OS thread`() async throws {
        let (promise, failing) = (Promise<Int>(), Promise<Int>())
        let waiters = (0..<100).map { _ in Task { try await promise.value } }
        let failure = Task { try await failing.value }
        let cancelled = Task { try await promise.value }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        try promise.send(7)
        try failing.send(throwing: Mistake(number: 1))
        for waiter in waiters {
            #expect(try await waiter.value == 7)
        }
        await #expect(throws: Mistake.self) { try await failure.value }
        #expect(try await promise.value == 7)
    }

    @Test
    func `a Task waits for a thread of a hub, which continues if the Task is cancelled`() async throws {
        let gate = Channel<Int>(capacity: 0)
        let thread = try threadOnNewHub { try gate.receive() }
        let failing = try threadOnNewHub { throw Mistake(number: 1) }
        let cancelled = Task { try await thread.value }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let waiter = Task { try await thread.value }
        try await gate.send(5)
        #expect(try await waiter.value == 5)
        #expect(try await thread.value == 5)
        await #expect(throws: Mistake.self) { try await failing.value }
    }

    @Test
    func `a Task that waits for a thread gets the error of its kill`() async throws {
        let gate = Channel<Int>(capacity: 0)
        let thread = try threadOnNewHub { try gate.receive() }
        let waiter = Task { try await thread.value }
        try await eventually { gate.receivingCount == 1 }
        try thread.kill()
        await #expect(throws: GreenExit.self) { try await waiter.value }
    }
}
