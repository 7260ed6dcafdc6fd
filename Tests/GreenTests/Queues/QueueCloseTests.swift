import Green
import Testing

@Suite("A queue that is closed")
struct QueueCloseTests {
    @Test(arguments: QueueKind.allCases)
    func `accepts no more items, and returns those that are left`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let queue = kind.make(Int.self, capacity: 4)
            for number in [1, 1, 1] {
                try queue.put(number)
            }
            queue.close()
            #expect(queue.isClosed)
            #expect(queue.count == 3)
            #expect(throws: QueueClosed()) { try queue.put(2) }
            #expect(throws: QueueClosed()) { try queue.put(2, timeout: .zero) }
            #expect(throws: QueueClosed()) { _ = try queue.tryPut(2) }
            #expect(try queue.get() == 1)
            #expect(try queue.tryGet() == 1)
            #expect(try queue.next() == 1)
            #expect(throws: QueueClosed()) { _ = try queue.get() }
            #expect(throws: QueueClosed()) { _ = try queue.get(timeout: .zero) }
            #expect(throws: QueueClosed()) { _ = try queue.tryGet() }
            #expect(try queue.next() == nil)
            #expect(try queue.next(timeout: .seconds(1)) == nil)
            #expect(queue.unfinishedCount == 3)
        }
    }

    @Test(arguments: [0, 1, nil])
    func `wakes threads that wait for an item`(_ capacity: Int?) throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: capacity)
            let getter = spawn { try queue.get() }
            let patient = spawn { try queue.get(timeout: .seconds(1000)) }
            let last = spawn { try queue.next() }
            try settle()
            queue.close()
            #expect(queue.gettingCount == 0)
            #expect(throws: QueueClosed()) { try getter.wait() }
            #expect(throws: QueueClosed()) { try patient.wait() }
            #expect(try last.wait() == nil)
        }
    }

    @Test(arguments: [0, 1])
    func `wakes threads that wait to put`(_ capacity: Int) throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: capacity)
            let producers = (0..<3).map { number in spawn { try queue.put(number) } }
            try settle()
            queue.close()
            #expect(queue.puttingCount == 0)
            #expect(try drain(queue) == (capacity == 1 ? [0] : []))
            for producer in producers.dropFirst(capacity) {
                #expect(throws: QueueClosed()) { try producer.wait() }
            }
            for producer in producers.prefix(capacity) {
                try producer.wait()
            }
        }
    }

    @Test
    func `does not take items from threads that were served before`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 0)
            let consumer = spawn { try queue.get() }
            try settle()
            try queue.put(1)
            queue.close()
            #expect(try consumer.wait() == 1)
        }
    }

    @Test
    func `may be closed again, before its first use, and grown`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            queue.close()
            queue.close()
            #expect(queue.isClosed)
            queue.resize(capacity: nil)
            #expect(throws: QueueClosed()) { try queue.put(1) }
            #expect(try queue.next() == nil)
        }
    }

    @Test
    func `reports that it is closed`() {
        #expect("\(QueueClosed())" == "the queue is closed")
        #expect(QueueClosed() == QueueClosed())
    }

    @Test
    func `can still be joined`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            try queue.put(1)
            queue.close()
            let joiner = spawn { try queue.join() }
            try settle()
            #expect(!joiner.isFinished)
            #expect(try queue.get() == 1)
            try queue.taskDone()
            try joiner.wait()
        }
    }
}
