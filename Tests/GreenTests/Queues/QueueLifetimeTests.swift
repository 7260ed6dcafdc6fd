import Green
import Testing

@Suite("An item of a queue is destroyed once")
struct QueueLifetimeTests {
    /// Runs a body that creates tracked items, and expects that each was destroyed once.
    private func expectOneEnd(sourceLocation: SourceLocation = #_sourceLocation, _ body: (Ledger) throws -> Void) throws
    {
        let ledger = Ledger()
        try onHub(sourceLocation: sourceLocation) { try body(ledger) }
        #expect(ledger.made > 0, sourceLocation: sourceLocation)
        #expect(ledger.gone == ledger.made, sourceLocation: sourceLocation)
    }

    @Test(arguments: QueueKind.allCases, [1, 7, nil])
    func `when it is put and taken`(_ kind: QueueKind, _ capacity: Int?) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self, capacity: capacity)
            for number in 0..<50 {
                try queue.put(ledger.parcel(number))
                #expect(ledger.gone == number)
                let parcel = try queue.get()
                #expect(ledger.gone == number)
                #expect(parcel.number == number)
            }
            #expect(ledger.gone == 50, "the queue retains no taken item")
            withExtendedLifetime(queue) {}
        }
    }

    @Test(arguments: QueueKind.allCases, [3, nil])
    func `when it is left inside`(_ kind: QueueKind, _ capacity: Int?) throws {
        try expectOneEnd { ledger throws in
            var queue: Queue<Parcel>? = kind.make(capacity: capacity)
            for number in 0..<3 {
                try queue?.put(ledger.parcel(number))
            }
            _ = try queue?.get()
            try queue?.put(ledger.parcel(3))
            #expect(ledger.gone == 1)
            queue = nil
            #expect(ledger.gone == 4, "they are destroyed with the queue")
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `when it is left in a closed queue`(_ kind: QueueKind) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self)
            for number in 0..<3 {
                try queue.put(ledger.parcel(number))
            }
            queue.close()
            #expect(ledger.gone == 0)
            #expect(throws: QueueClosed.self) { try queue.put(ledger.parcel(3)) }
            #expect(throws: QueueClosed.self) { _ = try queue.tryPut(ledger.parcel(4)) }
            #expect(ledger.gone == 2)
            _ = try queue.next()
            #expect(ledger.gone == 3)
        }
    }

    @Test(arguments: QueueKind.allCases, [0, 1, 2])
    func `when it is passed directly to or from a waiting thread`(_ kind: QueueKind, _ capacity: Int) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self, capacity: capacity)
            let consumers = (0..<2).map { _ in spawn { try queue.get().number } }
            try settle()
            try queue.put(ledger.parcel(0))
            #expect(try queue.tryPut(ledger.parcel(1)))
            #expect(try consumers.map { try $0.wait() } == [0, 1])
            #expect(ledger.gone == 2)

            let producers = (2..<7).map { number in spawn { try queue.put(ledger.parcel(number)) } }
            try settle()
            var numbers = [try queue.get().number]
            while let parcel = try queue.tryGet() {
                numbers.append(parcel.number)
            }
            #expect(numbers.sorted() == Array(2..<7))
            #expect(ledger.gone == 7)
            for producer in producers {
                try producer.wait()
            }
        }
    }

    @Test(arguments: QueueKind.allCases, [0, 1])
    func `when its put is killed, times out, or fails on a closed queue`(
        _ kind: QueueKind,
        _ capacity: Int
    ) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self, capacity: capacity)
            if capacity == 1 {
                try queue.put(ledger.parcel(0))
            }
            let killed = spawn { try queue.put(ledger.parcel(1)) }
            let hasty = spawn { try queue.put(ledger.parcel(2), timeout: .milliseconds(1)) }
            let closed = spawn { try queue.put(ledger.parcel(3)) }
            try settle()
            #expect(try !queue.tryPut(ledger.parcel(4)))
            #expect(failure { try queue.put(ledger.parcel(5), timeout: .zero) }?.code == .timedOut)
            try killed.kill(waitingForEnd: true)
            #expect(failure { try hasty.wait() }?.code == .timedOut)
            queue.close()
            #expect(throws: QueueClosed.self) { try closed.wait() }
            #expect(ledger.gone == 5)
            #expect(queue.count == capacity)
        }
    }

    @Test(arguments: QueueKind.allCases, [0, 1])
    func `when earlier gets are killed or time out`(_ kind: QueueKind, _ capacity: Int) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self, capacity: capacity)
            let hasty = spawn { try queue.get(timeout: .milliseconds(1)) }
            let killed = spawn { try queue.get() }
            let served = spawn { try queue.get() }
            #expect(failure { try hasty.wait() }?.code == .timedOut)
            try killed.kill()
            try queue.put(ledger.parcel(1))
            try served.kill()
            #expect(throws: GreenExit.self) { try killed.wait() }
            #expect(try served.wait().number == 1, "it had its item before the kill")
        }
    }

    @Test
    func `when the thread that was served never makes another call`() throws {
        try expectOneEnd { ledger throws in
            let queue = Queue<Parcel>(capacity: 0)
            let consumer = spawn {
                let parcel = try queue.get()
                try GreenThread.sleep(for: .seconds(1000))
                parcel.tracked.touch()
            }
            try settle()
            try queue.put(ledger.parcel(1))
            try consumer.kill(waitingForEnd: true)
            #expect(ledger.gone == 1)
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `when the queue changes its capacity`(_ kind: QueueKind) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self, capacity: 2)
            let producers = (0..<8).map { number in spawn { try queue.put(ledger.parcel(number)) } }
            try settle()
            queue.resize(capacity: 5)
            queue.resize(capacity: 1)
            #expect(queue.count == 5)
            var numbers = try (0..<5).map { _ in try queue.get().number }
            queue.resize(capacity: 0)
            queue.resize(capacity: nil)
            #expect(queue.count == 3)
            numbers += try drain(queue).map(\.number)
            #expect(numbers.sorted() == Array(0..<8))
            #expect(ledger.gone == 8)
            for producer in producers {
                try producer.wait()
            }
            try queue.put(ledger.parcel(8))
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `when the queue grows over a hundred thousand items, and shrinks`(_ kind: QueueKind) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self)
            for number in 0..<120_000 {
                try queue.put(ledger.parcel(number))
            }
            #expect(queue.count == 120_000)
            var isInOrder = true
            for number in 0..<110_000 {
                let parcel = try queue.get()
                isInOrder = isInOrder && parcel.number == (kind == .lifo ? 119_999 - number : number)
            }
            #expect(isInOrder)
            #expect(ledger.gone == 110_000)
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `when iteration is abandoned`(_ kind: QueueKind) throws {
        try expectOneEnd { ledger throws in
            let queue = kind.make(Parcel.self)
            for number in 0..<4 {
                try queue.put(ledger.parcel(number))
            }
            for parcel in queue {
                try parcel.get().tracked.touch()
                break
            }
            #expect(ledger.gone == 1)
            var iterator = queue.makeIterator()
            _ = iterator.next()
            #expect(ledger.gone == 2)
            let consumer = spawn {
                for parcel in queue {
                    try parcel.get().tracked.touch()
                }
            }
            try settle()
            #expect(ledger.gone == 4)
            try consumer.kill()
            #expect(throws: GreenExit.self) { try consumer.wait() }
        }
    }

    @Test
    func `when it is in a large item, an existential one or an optional one`() throws {
        struct Crate {
            var words = InlineArray<24, Int>(repeating: 7)
            var tracked: Tracked
        }
        func pass<Item>(_ ledger: Ledger, _: Item.Type, _ make: () -> Item) throws {
            for capacity in [0, 1, nil] {
                let queue = Queue<Item>(capacity: capacity)
                let consumer = spawn {
                    for _ in 0..<3 {
                        _ = try queue.get()
                    }
                }
                for _ in 0..<4 {
                    _ = try? queue.put(make(), timeout: .milliseconds(1))
                }
                try consumer.wait()
                _ = try queue.tryPut(make())
            }
        }
        try expectOneEnd { ledger throws in
            #expect(MemoryLayout<Crate>.size == 200)
            try pass(ledger, Crate.self) { Crate(tracked: ledger.make()) }
            try pass(ledger, Any.self) { ledger.make() }
            try pass(ledger, Any.self) { Crate(tracked: ledger.make()) }
            try pass(ledger, (any Error).self) { Incident(ledger.make()) }
            try pass(ledger, Tracked?.self) { ledger.make() }
            try pass(ledger, Tracked?.self) { Bool.random() ? ledger.make() : nil }
            try pass(ledger, (() -> Void).self) {
                let tracked = ledger.make()
                return { tracked.touch() }
            }
        }
    }

    @Test(arguments: QueueKind.allCases, [0, 2, nil])
    func `and its weak references stay valid wherever it moves`(_ kind: QueueKind, _ capacity: Int?) throws {
        struct Watcher: Comparable {
            let number: Int
            weak var object: Tracked?

            static func == (left: Watcher, right: Watcher) -> Bool {
                left.number == right.number
            }

            static func < (left: Watcher, right: Watcher) -> Bool {
                left.number < right.number
            }
        }
        try expectOneEnd { ledger throws in
            let queue = kind.make(Watcher.self, capacity: capacity)
            let kept = (0..<20).map { _ in ledger.make() }
            let producers = kept.enumerated().map { number, object in
                spawn { try queue.put(Watcher(number: number, object: object)) }
            }
            try settle()
            var watchers: [Watcher] = []
            for _ in kept {
                watchers.append(try queue.get())
            }
            #expect(watchers.allSatisfy { $0.object === kept[$0.number] })
            #expect(watchers.count == 20)
            for producer in producers {
                try producer.wait()
            }

            var short: Tracked? = ledger.make()
            let producer = spawn { [short] in try queue.put(Watcher(number: 20, object: short)) }
            try settle()
            short = nil
            if capacity != 0 {
                try producer.wait()
                #expect(ledger.gone == 1)
                #expect(try queue.get().object == nil, "a weak reference stays weak in a queue")
            } else {
                #expect(try queue.get().object != nil, "the waiting thread holds the object")
                try producer.wait()
            }
            withExtendedLifetime(kept) {}
        }
    }

    @Test
    func `when it is in one of many queues`() throws {
        try expectOneEnd { ledger throws in
            let queues = (0..<200).map { QueueKind.allCases[$0 % 3].make(Parcel.self, capacity: $0 % 5) }
            let threads = queues.enumerated().flatMap { number, queue in
                [
                    spawn {
                        for item in 0..<5 {
                            try queue.put(ledger.parcel(item))
                        }
                    },
                    spawn {
                        for _ in 0..<(number % 5) {
                            _ = try queue.get()
                        }
                    },
                ]
            }
            for _ in 0..<10 {
                try settle()
            }
            for thread in threads {
                try thread.kill()
            }
            for thread in threads {
                _ = try? thread.wait()
            }
        }
    }
}
