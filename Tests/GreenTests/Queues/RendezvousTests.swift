import Green
import Testing

@Suite("A queue with a capacity of 0")
struct RendezvousTests {
    @Test(arguments: QueueKind.allCases)
    func `is empty and full at once, and holds nothing`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let rendezvous = kind.make(Int.self, capacity: 0)
            #expect(rendezvous.isEmpty)
            #expect(rendezvous.isFull)
            let producer = spawn { try rendezvous.put(1) }
            try settle()
            #expect(rendezvous.isEmpty)
            #expect(rendezvous.isFull)
            #expect(rendezvous.count == 0)
            #expect(rendezvous.puttingCount == 1)
            #expect(try rendezvous.get() == 1)
            try producer.wait()
        }
    }

    @Test(arguments: QueueKind.allCases)
    func `completes a put only when its item was taken`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let rendezvous = kind.make(Int.self, capacity: 0)
            var events: [String] = []
            let producer = spawn {
                for number in 1...2 {
                    try rendezvous.put(number)
                    events.append("put \(number)")
                }
            }
            try settle()
            events.append("asking")
            #expect(try rendezvous.get() == 1)
            try settle()
            events.append("asking")
            #expect(try rendezvous.get() == 2)
            try producer.wait()
            #expect(events == ["asking", "put 1", "asking", "put 2"])
        }
    }

    @Test
    func `passes an item to a waiting get without blocking the put`() throws {
        try onHub { () throws in
            let rendezvous = Queue<Int>(capacity: 0)
            let consumer = spawn { try rendezvous.get() }
            try settle()
            let before = try Hub.statistics.switches
            try rendezvous.put(5)
            #expect(try Hub.statistics.switches == before)
            #expect(rendezvous.gettingCount == 0)
            #expect(try consumer.wait() == 5)
        }
    }

    @Test
    func `can be tried from either end while the other one waits`() throws {
        try onHub { () throws in
            let rendezvous = Queue<Int>(capacity: 0)
            #expect(try !rendezvous.tryPut(1))
            #expect(try rendezvous.tryGet() == nil)
            let producer = spawn { try rendezvous.put(2) }
            let second = spawn { try rendezvous.put(3) }
            try settle()
            #expect(try !rendezvous.tryPut(4))
            #expect(try rendezvous.tryGet() == 2)
            #expect(try rendezvous.tryGet() == 3)
            #expect(try rendezvous.tryGet() == nil)
            try producer.wait()
            try second.wait()
            let consumer = spawn { try rendezvous.get() }
            try settle()
            #expect(try rendezvous.tryPut(5))
            #expect(try !rendezvous.tryPut(6))
            #expect(try consumer.wait() == 5)
        }
    }

    @Test
    func `pairs many producers with many consumers, each item once`() throws {
        try onHub { () throws in
            let rendezvous = Queue<Int>(capacity: 0)
            let producers = (0..<10).map { producer in
                spawn {
                    for number in 0..<100 {
                        try rendezvous.put(producer * 100 + number)
                    }
                }
            }
            let consumers = (0..<7).map { _ in
                spawn { () throws -> [Int] in
                    var taken: [Int] = []
                    while let number = try rendezvous.next() {
                        taken.append(number)
                    }
                    return taken
                }
            }
            for producer in producers {
                try producer.wait()
            }
            rendezvous.close()
            let taken = try consumers.flatMap { try $0.wait() }
            #expect(taken.sorted() == Array(0..<1000))
        }
    }

    @Test
    func `that grows accepts the items of waiting puts`() throws {
        try onHub { () throws in
            let rendezvous = Queue<Int>(capacity: 0)
            let producers = (0..<3).map { number in spawn { try rendezvous.put(number) } }
            try settle()
            rendezvous.resize(capacity: 2)
            #expect(rendezvous.count == 2)
            #expect(rendezvous.puttingCount == 1)
            #expect(try [rendezvous.get(), rendezvous.get(), rendezvous.get()] == [0, 1, 2])
            for producer in producers {
                try producer.wait()
            }
        }
    }
}
