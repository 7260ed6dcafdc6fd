import Green
import Testing

@Suite("A channel")
struct ChannelTests {
    @Test
    func `returns items in the order in which they were sent`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            #expect(channel.capacity == nil)
            #expect(channel.isEmpty)
            for number in 0..<100 {
                try channel.send(number)
            }
            #expect(channel.count == 100)
            #expect(try (0..<100).map { _ in try channel.receive() } == Array(0..<100))
            #expect(channel.isEmpty)
        }
    }

    @Test
    func `with a capacity blocks a send until there is room`() throws {
        try onHub { () throws in
            let channel = Channel<Int>(capacity: 2)
            #expect(channel.capacity == 2)
            let sender = spawn {
                for number in 0..<5 {
                    try channel.send(number)
                }
            }
            try settle()
            #expect(channel.count == 2)
            #expect(channel.sendingCount == 1)
            #expect(try (0..<5).map { _ in try channel.receive() } == Array(0..<5))
            try sender.wait()
            #expect(channel.sendingCount == 0)
        }
    }

    @Test
    func `with a capacity of 0 blocks a send until its item is taken`() throws {
        try onHub { () throws in
            let channel = Channel<Int>(capacity: 0)
            var events: [String] = []
            let sender = spawn {
                for number in 1...2 {
                    try channel.send(number)
                    events.append("sent \(number)")
                }
            }
            try settle()
            #expect(channel.isEmpty)
            #expect(channel.sendingCount == 1)
            events.append("asking")
            #expect(try channel.receive() == 1)
            try settle()
            events.append("asking")
            #expect(try channel.receive() == 2)
            try sender.wait()
            #expect(events == ["asking", "sent 1", "asking", "sent 2"])
        }
    }

    @Test
    func `can be tried from both ends without waiting`() throws {
        try onHub { () throws in
            let channel = Channel<Int>(capacity: 1)
            #expect(try channel.tryReceive() == nil)
            #expect(try channel.trySend(1))
            #expect(try !channel.trySend(2))
            #expect(try channel.tryReceive() == 1)
            let direct = Channel<Int>(capacity: 0)
            #expect(try !direct.trySend(1))
            let sender = spawn { try direct.send(2) }
            try settle()
            #expect(try direct.tryReceive() == 2)
            try sender.wait()
            let receiver = spawn { try direct.receive() }
            try settle()
            #expect(direct.receivingCount == 1)
            #expect(try direct.trySend(3))
            #expect(try !direct.trySend(4))
            #expect(try receiver.wait() == 3)
        }
    }

    @Test
    func `serves waiting threads in the order of their calls`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            var taken: [String] = []
            let receivers = (0..<3).map { number in
                spawn { taken.append("\(number) takes \(try channel.receive())") }
            }
            try settle()
            #expect(channel.receivingCount == 3)
            for item in 10..<13 {
                try channel.send(item)
            }
            for receiver in receivers {
                try receiver.wait()
            }
            #expect(taken == ["0 takes 10", "1 takes 11", "2 takes 12"])
        }
    }

    @Test
    func `ends after a close, when it is empty`() throws {
        try onHub { () throws in
            let channel = Channel<Int>(capacity: 10)
            try channel.send(1)
            #expect(!channel.isClosed)
            channel.close()
            channel.close()
            #expect(channel.isClosed)
            #expect(throws: ChannelClosed.self) { try channel.send(2) }
            #expect(throws: ChannelClosed.self) { try channel.trySend(2) }
            #expect(try channel.receive() == 1)
            #expect(throws: ChannelClosed.self) { try channel.receive() }
            #expect(throws: ChannelClosed.self) { try channel.tryReceive() }
            #expect(try channel.next() == nil)
        }
    }

    @Test
    func `wakes all waiting threads when it is closed`() throws {
        try onHub { () throws in
            let (full, empty) = (Channel<Int>(capacity: 0), Channel<Int>())
            let senders = (0..<3).map { number in spawn { try full.send(number) } }
            let receivers = (0..<3).map { _ in spawn { try empty.receive() } }
            let last = spawn { try empty.next() }
            try settle()
            full.close()
            empty.close()
            for sender in senders {
                #expect(throws: ChannelClosed.self) { try sender.wait() }
            }
            for receiver in receivers {
                #expect(throws: ChannelClosed.self) { try receiver.wait() }
            }
            #expect(try last.wait() == nil)
            #expect(full.sendingCount == 0)
            #expect(empty.receivingCount == 0)
        }
    }

    @Test
    func `loses no item to a wait that expires or is killed`() throws {
        try onHub { () throws in
            let channel = Channel<Int>(capacity: 0)
            #expect(failure { try channel.receive(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(failure { try channel.send(1, timeout: .milliseconds(1)) }?.code == .timedOut)
            let receiver = spawn { try channel.receive() }
            let sender = spawn { () throws in
                try settle()
                try channel.send(2)
            }
            try GreenThread.yield()
            try receiver.kill(throwing: Mistake(number: 3), waitingForEnd: true)
            #expect(throws: Mistake(number: 3)) { try receiver.wait() }
            try until { channel.sendingCount == 1 }
            try sender.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try sender.wait() }
            #expect(try channel.tryReceive() == nil)
            #expect(channel.sendingCount == 0)
            #expect(channel.receivingCount == 0)
        }
    }

    @Test
    func `is a sequence that ends at the close`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            let sum = spawn { try channel.reduce(0) { try $0 + $1.get() } }
            for number in 1...10 {
                try channel.send(number)
            }
            channel.close()
            #expect(try sum.wait() == 55)
            var iterator = channel.makeIterator()
            #expect(iterator.next() == nil)
        }
    }

    @Test
    func `continues its iteration after an interrupt`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            let thread = spawn { () -> [String] in
                channel.map { element in
                    switch element {
                    case .success(let number): "\(number)"
                    case .failure(let error): "\(type(of: error))"
                    }
                }
            }
            try settle()
            try thread.kill()
            try settle()
            try channel.send(1)
            channel.close()
            #expect(try thread.wait() == ["GreenExit", "1"])
        }
    }

    @Test
    func `with a negative capacity ends the process`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Channel<Int>(capacity: -1)
        }
        let says = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(says.contains("a channel cannot have a capacity of -1; nil is one without limit"), "\(says)")
    }

    @Test
    func `holds at most its capacity, however large that is`() throws {
        try onHub { () throws in
            for capacity in [1, 70_000, 1 << 40, .max] {
                let channel = Channel<Int>(capacity: capacity)
                #expect(channel.capacity == capacity)
                #expect(try channel.trySend(1))
                #expect(try channel.receive() == 1)
            }
        }
    }
}
