import Green
import Testing

@Suite("A queue with a capacity of 0")
struct RendezvousTests {
    @Test(arguments: QueueKind.allCases)
    func `is empty and full at once, and holds nothing`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let channel = kind.make(Int.self, capacity: 0)
            #expect(channel.isEmpty)
            #expect(channel.isFull)
            let producer = spawn { try channel.put(1) }
            try settle()
            #expect(channel.isEmpty)
            #expect(channel.isFull)
            #expect(channel.count == 0)
            #expect(channel.puttingCount == 1)
            #expect(try channel.get() == 1)
            try producer.wait()
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `completes a put only when its item was taken`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let channel = kind.make(Int.self, capacity: 0)
            var events: [String] = []
            let producer = spawn {
                for number in 1...2 {
                    try channel.put(number)
                    events.append("put \(number)")
                }
            }
            try settle()
            events.append("asking")
            #expect(try channel.get() == 1)
            try settle()
            events.append("asking")
            #expect(try channel.get() == 2)
            try producer.wait()
            #expect(events == ["asking", "put 1", "asking", "put 2"])
        }
    }

    @Test
    func `passes an item to a waiting get without blocking the put`() throws {
        try onHub { () throws in
            let channel = Queue<Int>(capacity: 0)
            let consumer = spawn { try channel.get() }
            try settle()
            let before = try Hub.statistics.switches
            try channel.put(5)
            #expect(try Hub.statistics.switches == before)
            #expect(channel.gettingCount == 0)
            #expect(try consumer.wait() == 5)
        }
    }

    @Test
    func `can be tried from either end while the other one waits`() throws {
        try onHub { () throws in
            let channel = Queue<Int>(capacity: 0)
            #expect(try !channel.tryPut(1))
            #expect(try channel.tryGet() == nil)
            let producer = spawn { try channel.put(2) }
            let second = spawn { try channel.put(3) }
            try settle()
            #expect(try !channel.tryPut(4))
            #expect(try channel.tryGet() == 2)
            #expect(try channel.tryGet() == 3)
            #expect(try channel.tryGet() == nil)
            try producer.wait()
            try second.wait()
            let consumer = spawn { try channel.get() }
            try settle()
            #expect(try channel.tryPut(5))
            #expect(try !channel.tryPut(6))
            #expect(try consumer.wait() == 5)
        }
    }

    @Test
    func `pairs many producers with many consumers, each item once`() throws {
        try onHub { () throws in
            let channel = Queue<Int>(capacity: 0)
            let producers = (0..<10).map { producer in
                spawn {
                    for number in 0..<100 {
                        try channel.put(producer * 100 + number)
                    }
                }
            }
            let consumers = (0..<7).map { _ in
                spawn { () throws -> [Int] in
                    var taken: [Int] = []
                    while let number = try channel.next() {
                        taken.append(number)
                    }
                    return taken
                }
            }
            for producer in producers {
                try producer.wait()
            }
            channel.close()
            let taken = try consumers.flatMap { try $0.wait() }
            #expect(taken.sorted() == Array(0..<1000))
        }
    }

    @Test
    func `that grows accepts the items of waiting puts`() throws {
        try onHub { () throws in
            let channel = Queue<Int>(capacity: 0)
            let producers = (0..<3).map { number in spawn { try channel.put(number) } }
            try settle()
            channel.resize(capacity: 2)
            #expect(channel.count == 2)
            #expect(channel.puttingCount == 1)
            #expect(try [channel.get(), channel.get(), channel.get()] == [0, 1, 2])
            for producer in producers {
                try producer.wait()
            }
        }
    }
}
