import Green
import Testing

@Suite("A queue")
struct QueueTests {
    @Test
    func `returns items first in, first out`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            for number in 0..<1000 {
                try queue.put(number)
            }
            #expect(try drain(queue) == Array(0..<1000))
        }
    }

    @Test
    func `that is new is empty`() throws {
        for kind in QueueKind.allCases {
            let queue = kind.make(Int.self, capacity: 2)
            #expect(queue.isEmpty)
            #expect(!queue.isFull)
            #expect(!queue.isClosed)
            #expect(queue.count == 0)
            #expect(queue.capacity == 2)
            #expect(queue.gettingCount == 0)
            #expect(queue.puttingCount == 0)
            #expect(queue.unfinishedCount == 0)
        }
    }

    @Test
    func `without a capacity never blocks a put`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            #expect(queue.capacity == nil)
            for number in 0..<10_000 {
                try queue.put(number, timeout: .zero)
            }
            #expect(queue.count == 10_000)
            #expect(!queue.isFull)
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `that is full blocks a put until there is room`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let queue = kind.make(Int.self, capacity: 2)
            var put: [Int] = []
            let producer = spawn {
                for number in 0..<5 {
                    try queue.put(number)
                    put.append(number)
                }
            }
            try settle()
            #expect(put == [0, 1])
            #expect(queue.isFull)
            #expect(queue.puttingCount == 1)
            for taken in 1...3 {
                _ = try queue.get()
                try settle()
                #expect(put.count == taken + 2)
            }
            #expect(queue.isFull)
            try producer.wait()
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `that is empty blocks a get until an item is put`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let queue = kind.make(Int.self)
            let consumer = spawn { [try queue.get(), try queue.get()] }
            try settle()
            #expect(queue.gettingCount == 1)
            try queue.put(8)
            try settle()
            #expect(!consumer.isFinished)
            try queue.put(9)
            #expect(try consumer.wait() == [8, 9])
        }
    }

    @Test
    func `does not switch threads in calls that need not block`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            let before = try Hub.statistics.switches
            for number in 0..<100 {
                try queue.put(number)
                _ = try queue.get()
                _ = try queue.tryPut(number)
                _ = try queue.tryGet()
                try queue.put(number, timeout: .seconds(1))
                _ = try queue.next(timeout: .seconds(1))
            }
            #expect(try Hub.statistics.switches == before)
        }
    }

    @Test
    func `that is full or empty ends a wait with a timeout`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            for timeout in [Duration.zero, .seconds(-1), .nanoseconds(1), .milliseconds(5)] {
                #expect(failure { try queue.get(timeout: timeout) }?.code == .timedOut)
                #expect(failure { try queue.next(timeout: timeout) }?.code == .timedOut)
                try queue.put(1)
                #expect(failure { try queue.put(2, timeout: timeout) }?.code == .timedOut)
                #expect(try drain(queue) == [1])
            }
            #expect(failure { try queue.get(timeout: .zero) }?.message.contains("it had no element") == true)
        }
    }

    @Test
    func `ignores the timeout of a call that need not block`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            try queue.put(1, timeout: .zero)
            #expect(try queue.get(timeout: .zero) == 1)
            try queue.put(2, timeout: .seconds(-1))
            #expect(try queue.next(timeout: .seconds(-1)) == 2)
        }
    }

    @Test
    func `can be tried without blocking`() throws {
        for kind in QueueKind.allCases {
            try onHub { () throws in
                let queue = kind.make(Int.self, capacity: 1)
                #expect(try queue.tryGet() == nil)
                #expect(try queue.tryPut(1))
                #expect(try !queue.tryPut(2))
                #expect(try queue.tryGet() == 1)
                #expect(try queue.tryGet() == nil)
            }
        }
    }

    @Test
    func `can be tried where a call must not block, such as in an exit function`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            var results: [Bool] = []
            var refused: SystemError?
            let thread = spawn {}
            thread.onExit {
                results.append(try queue.tryPut(1))
                results.append(try queue.tryPut(2))
                refused = failure { try queue.put(3) }
            }
            try thread.wait()
            #expect(results == [true, false])
            #expect(refused?.code == .resourceTemporarilyUnavailable)
            #expect(try drain(queue) == [1])
        }
    }

    @Test
    func `that grows completes waiting puts at once, in order`() throws {
        for capacity in [3, nil] {
            try onHub { () throws in
                let queue = Queue<Int>(capacity: 1)
                let producers = (0..<3).map { number in spawn { try queue.put(number) } }
                try settle()
                #expect(queue.puttingCount == 2)
                queue.resize(capacity: capacity)
                #expect(queue.capacity == capacity)
                #expect(queue.count == 3)
                #expect(queue.puttingCount == 0)
                #expect(queue.isFull == (capacity == 3))
                for producer in producers {
                    try producer.wait()
                }
                #expect(try drain(queue) == [0, 1, 2])
            }
        }
    }

    @Test
    func `that shrinks keeps its items, and accepts more only below the capacity`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            for number in 0..<4 {
                try queue.put(number)
            }
            queue.resize(capacity: 2)
            #expect(queue.count == 4)
            #expect(queue.isFull)
            let producer = spawn { try queue.put(4) }
            for number in 0..<2 {
                try settle()
                #expect(queue.puttingCount == 1)
                #expect(try queue.get() == number)
            }
            try settle()
            #expect(queue.puttingCount == 1)
            #expect(try queue.get() == 2)
            try producer.wait()
            #expect(try drain(queue) == [3, 4])
        }
    }

    @Test
    func `that gets a capacity of 0 returns its items, and then those of waiting puts`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            let producers = (0..<3).map { number in spawn { try queue.put(number) } }
            try settle()
            queue.resize(capacity: 0)
            #expect(queue.capacity == 0)
            #expect(queue.count == 1)
            #expect(try queue.get() == 0)
            #expect(queue.puttingCount == 2)
            #expect(try [queue.get(), queue.get()] == [1, 2])
            for producer in producers {
                try producer.wait()
            }
        }
    }

    @Test
    func `carries items of any type`() throws {
        try onHub { () throws in
            let nothing = Queue<Void>(capacity: 2)
            try nothing.put(())
            try nothing.put(())
            #expect(nothing.isFull)
            #expect(try nothing.tryGet() != nil)
            #expect(try nothing.next() != nil)
            #expect(try nothing.tryGet() == nil)

            let anything = Queue<any Hashable>()
            try anything.put(1)
            try anything.put("a text that is too long to lie in place")
            #expect(try anything.get() as? Int == 1)
            #expect(try anything.get() as? String == "a text that is too long to lie in place")

            let functions = Queue<(Int) -> Int>()
            try functions.put { $0 + 1 }
            #expect(try functions.get()(1) == 2)

            let bytes = Queue<UInt8>(capacity: 3)
            for byte in 0..<100 {
                try bytes.put(UInt8(byte))
                #expect(try bytes.get() == UInt8(byte))
            }
        }
    }

    @Test
    func `distinguishes an item that is nil from no item`() throws {
        try onHub { () throws in
            let queue = Queue<Int?>(capacity: 0)
            #expect(try queue.tryGet() == Int??.none)
            let producer = spawn {
                for item in [nil, 1, nil, nil] {
                    try queue.put(item)
                }
                queue.close()
            }
            try settle()
            #expect(try queue.tryGet() == .some(.none))
            try settle()
            #expect(try queue.get() == 1)
            #expect(try queue.next() == .some(.none))
            #expect(try queue.map { try $0.get() } == [nil])
            #expect(try queue.next() == Int??.none)
            try producer.wait()
        }
    }

    @Test
    func `carries large items by every path`() throws {
        struct Crate {
            var words: InlineArray<25, Int>
        }
        try onHub { () throws in
            #expect(MemoryLayout<Crate>.size == 200)
            for capacity in [0, 1, 3, nil] {
                let queue = Queue<Crate>(capacity: capacity)
                let producer = spawn {
                    for number in 0..<100 {
                        try queue.put(Crate(words: InlineArray { number * 100 + $0 }))
                    }
                    queue.close()
                }
                var number = 0
                var isWhole = true
                while let crate = try queue.next() {
                    for index in crate.words.indices {
                        isWhole = isWhole && crate.words[index] == number * 100 + index
                    }
                    number += 1
                }
                try producer.wait()
                #expect(number == 100)
                #expect(isWhole)
            }
        }
    }

    @Test
    func `may be used by a generic function`() throws {
        func pass<Item>(_ items: [Item], through queue: Queue<Item>) throws -> [Item] {
            let producer = spawn {
                for item in items {
                    try queue.put(item)
                }
            }
            defer { try? producer.wait() }
            return try items.map { _ in try queue.get() }
        }
        try onHub { () throws in
            for capacity in [0, 1, nil] {
                #expect(try pass([1, 2, 3], through: Queue(capacity: capacity)) == [1, 2, 3])
                #expect(try pass(["a", "b"], through: LIFOQueue(capacity: min(capacity ?? 1, 1))) == ["a", "b"])
                #expect(try pass([UInt8?](repeating: nil, count: 9), through: Queue(capacity: capacity)).count == 9)
            }
        }
    }
}
