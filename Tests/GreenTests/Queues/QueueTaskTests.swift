import Green
import Testing

@Suite("The unfinished work of a queue")
struct QueueTaskTests {
    @Test(arguments: QueueKind.allCases)
    func `is done when all tasks are done, not when the queue is empty`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let queue = kind.make(Int.self)
            try queue.put(1)
            try queue.put(2)
            #expect(queue.unfinishedCount == 2)
            var joined = 0
            let joiners = (0..<3).map { _ in
                spawn {
                    try queue.join()
                    joined += 1
                }
            }
            _ = try drain(queue)
            try settle()
            #expect(joined == 0)
            try queue.taskDone()
            try settle()
            #expect(joined == 0)
            #expect(queue.unfinishedCount == 1)
            try queue.taskDone()
            try settle()
            #expect(joined == 3)
            for joiner in joiners {
                try joiner.wait()
            }
        }
    }

    @Test
    func `is zero at first`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            try queue.join()
            try queue.join(timeout: .zero)
        }
    }

    @Test
    func `includes items of a queue with a capacity of 0 and those passed directly to a waiting thread`() throws {
        try onHub { () throws in
            let rendezvous = Queue<Int>(capacity: 0)
            let consumer = spawn { try rendezvous.get() }
            try settle()
            try rendezvous.put(1)
            #expect(rendezvous.unfinishedCount == 1)
            try consumer.wait()
            let producer = spawn { try rendezvous.put(2) }
            try settle()
            #expect(rendezvous.unfinishedCount == 1, "it has not been put yet")
            _ = try rendezvous.get()
            try producer.wait()
            #expect(rendezvous.unfinishedCount == 2)
            try rendezvous.taskDone()
            try rendezvous.taskDone()
            try rendezvous.join()
        }
    }

    @Test
    func `cannot be marked as done more often than items were put`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            #expect(failure { try queue.taskDone() }?.code == .invalidArgument)
            try queue.put(1)
            try queue.taskDone()
            #expect(failure { try queue.taskDone() }?.code == .invalidArgument)
            #expect(failure { try queue.taskDone() }?.message.contains("more often") == true)
            #expect(queue.unfinishedCount == 0)
        }
    }

    @Test
    func `can be waited for with a timeout, and the wait can be killed`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            try queue.put(1)
            #expect(failure { try queue.join(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try queue.join(timeout: .milliseconds(2)) }?.code == .timedOut)
            let joiner = spawn { try queue.join() }
            try settle()
            try joiner.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try joiner.wait() }
            try queue.taskDone()
            try queue.join()
        }
    }

    @Test
    func `may grow and be joined again`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            let worker = spawn {
                while try queue.next() != nil {
                    try GreenThread.yield()
                    try queue.taskDone()
                }
            }
            for _ in 0..<3 {
                for number in 0..<5 {
                    try queue.put(number)
                }
                try queue.join()
                #expect(queue.unfinishedCount == 0)
            }
            queue.close()
            try worker.wait()
        }
    }
}
