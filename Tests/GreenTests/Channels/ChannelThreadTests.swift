import Dispatch
import Green
import Synchronization
import Testing

/// A sender, and how many items it has sent before.
private struct Stamp: Hashable, Sendable {
    let sender, number: Int
}

@Suite("A channel between OS threads")
struct ChannelThreadTests {
    /// Senders and receivers on OS threads. Every second sender has a hub.
    private func exchange(capacity: Int?, senders: Int, receivers: Int, each: Int) throws {
        let channel = Channel<Stamp>(capacity: capacity)
        let taken = Mutex<[[Stamp]]>([])
        let failures = Count()
        let sending = (0..<senders).map { sender in
            OSThread {
                if sender % 2 == 0 {
                    _ = Hub.engine
                }
                do {
                    for number in 0..<each {
                        try channel.send(Stamp(sender: sender, number: number))
                    }
                } catch {
                    failures.add()
                }
            }
        }
        let receiving = (0..<receivers).map { receiver in
            OSThread {
                if receiver % 2 == 0 {
                    _ = Hub.engine
                }
                var stamps: [Stamp] = []
                do {
                    while let stamp = try channel.next() {
                        stamps.append(stamp)
                    }
                } catch {
                    failures.add()
                }
                taken.withLock { $0.append(stamps) }
            }
        }
        for thread in sending {
            thread.join()
        }
        channel.close()
        for thread in receiving {
            thread.join()
        }
        #expect(failures.value == 0)
        let lists = taken.withLock { $0 }
        let all = lists.flatMap(\.self)
        #expect(all.count == senders * each)
        #expect(Set(all).count == senders * each)
        for stamps in lists {
            for sender in 0..<senders {
                let numbers = stamps.filter { $0.sender == sender }.map(\.number)
                #expect(numbers == numbers.sorted(), "the order of sender \(sender)")
            }
        }
    }

    @Test(arguments: [nil, 0, 1, 16])
    func `passes each item once, in the order of each sender`(capacity: Int?) throws {
        try exchange(capacity: capacity, senders: 4, receivers: 3, each: 1000)
        try exchange(capacity: capacity, senders: 8, receivers: 1, each: 500)
        try exchange(capacity: capacity, senders: 1, receivers: 4, each: 2000)
    }

    @Test
    func `blocks an OS thread without a hub, and makes none`() throws {
        try onHub { () throws in
            let (there, back) = (Channel<Int>(), Channel<Int>(capacity: 0))
            let hubs = Count()
            let thread = OSThread {
                while let number = try? there.next() {
                    try? back.send(number + 1)
                }
                if (try? Hub.statistics) != nil {
                    hubs.add()
                }
            }
            for number in 0..<100 {
                try there.send(number)
                #expect(try back.receive() == number + 1)
            }
            there.close()
            thread.join()
            #expect(hubs.value == 0)
        }
    }

    @Test
    func `lets the other green threads of a waiting hub run`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            let gate = Gate()
            let thread = OSThread {
                gate.pass()
                try? channel.send(1)
            }
            let receiver = spawn { try channel.receive() }
            try until { channel.receivingCount == 1 }
            for _ in 0..<100 {
                try GreenThread.yield()
            }
            #expect(!receiver.isFinished)
            gate.open()
            #expect(try receiver.wait() == 1)
            thread.join()
        }
    }

    @Test
    func `expires on an OS thread without a hub`() throws {
        let channel = Channel<Int>(capacity: 0)
        let code = Mutex<[Errno?]>([])
        onAnotherThread {
            code.withLock {
                $0.append(failure { try channel.receive(timeout: .milliseconds(1)) }?.code)
                $0.append(failure { try channel.send(1, timeout: .milliseconds(1)) }?.code)
                $0.append(failure { try channel.receive(timeout: .zero) }?.code)
            }
        }
        #expect(code.withLock { $0 } == [.timedOut, .timedOut, .timedOut])
    }

    @Test
    func `receives items from callbacks of Dispatch`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            let queue = DispatchQueue(label: "callbacks")
            for number in 0..<1000 {
                queue.async { _ = try? channel.trySend(number) }
            }
            queue.async { channel.close() }
            #expect(try channel.map { try $0.get() } == Array(0..<1000))
        }
    }

    @Test
    func `can be tried and closed in an async function`() async throws {
        let channel = Channel<Int>(capacity: 1)
        let sent = await Task { try channel.trySend(1) }.result
        #expect(try sent.get())
        let taken = await Task { try channel.tryReceive() }.result
        #expect(try taken.get() == 1)
        await Task { channel.close() }.value
        #expect(channel.isClosed)
        #expect(channel.isEmpty)
    }

    @Test
    func `closed by another OS thread wakes all waiting threads`() throws {
        try onHub { () throws in
            let channel = Channel<Int>()
            let ended = Count()
            let threads = (0..<3).map { number in
                OSThread {
                    if number == 0 {
                        _ = Hub.engine
                    }
                    if (try? channel.next()) == .some(nil) {
                        ended.add()
                    }
                }
            }
            let receiver = spawn { try channel.next() }
            try until { channel.receivingCount == 4 }
            onAnotherThread { channel.close() }
            #expect(try receiver.wait() == nil)
            for thread in threads {
                thread.join()
            }
            #expect(ended.value == 3)
        }
    }

    @Test
    func `destroys each item once, even if the last reference is released elsewhere`() throws {
        let gone = Count()
        let count = 1000
        do {
            let channel = Channel<Guest>(capacity: 64)
            let sender = OSThread {
                for number in 0..<count {
                    try? channel.send(Guest(gone, number: number))
                }
            }
            let receiver = OSThread {
                for number in 0..<count - 50 where (try? channel.receive())?.number != number {
                    fatalError("the items have an order")
                }
            }
            sender.join()
            receiver.join()
            #expect(gone.value == count - 50)
            #expect(channel.count == 50)
        }
        #expect(gone.value == count)
    }
}
