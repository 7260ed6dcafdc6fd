import Green
import Testing

@Suite("A thread that waits in a queue")
struct QueueWaiterTests {
    @Test(arguments: QueueKind.allCases)
    func `is counted`(_ kind: QueueKind) throws {
        try onHub { () throws in
            let queue = kind.make(Int.self, capacity: 1)
            let consumers = (0..<3).map { _ in spawn { try queue.get() } }
            try settle()
            #expect(queue.gettingCount == 3)
            #expect(queue.puttingCount == 0)
            for number in 0..<3 {
                try queue.put(number)
                #expect(queue.gettingCount == 2 - number)
            }
            for consumer in consumers {
                try consumer.wait()
            }
            let producers = (0..<3).map { number in spawn { try queue.put(number) } }
            try settle()
            #expect(queue.gettingCount == 0)
            #expect(queue.puttingCount == 2)
            #expect(try drain(queue).count == 3)
            #expect(queue.puttingCount == 0)
            for producer in producers {
                try producer.wait()
            }
        }
    }

    @Test
    func `lets other threads run, however short its timeout is`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            let other = spawn {}
            _ = try? queue.get(timeout: Duration(secondsComponent: 0, attosecondsComponent: 1))
            #expect(other.isFinished)
        }
    }

    /// In nanoseconds the timeout is a multiple of 2^64 plus 512.
    @Test
    func `waits if its timeout exceeds the maximum`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            let consumer = spawn { try queue.get(timeout: .seconds(20_211_507_185_753_197)) }
            try settle()
            try GreenThread.sleep(for: .milliseconds(1))
            #expect(!consumer.isFinished)
            try queue.put(1)
            #expect(try consumer.wait() == 1)
        }
    }

    @Test
    func `is served first come, first served, and never overtaken`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            let consumers = (0..<3).map { _ in spawn { try queue.get() } }
            try settle()
            for number in 0..<3 {
                try queue.put(number)
            }
            #expect(try queue.tryGet() == nil, "the items belong to the waiting threads, which have not run yet")
            #expect(try consumers.map { try $0.wait() } == [0, 1, 2])

            let producers = (0..<3).map { number in spawn { try queue.put(number) } }
            try settle()
            #expect(try queue.get() == 0)
            #expect(try !queue.tryPut(9), "the room belongs to the next waiter")
            #expect(try [queue.get(), queue.get()] == [1, 2])
            for producer in producers {
                try producer.wait()
            }
        }
    }

    @Test(arguments: [0, 1])
    func `takes no item and leaves nothing if it is killed`(_ capacity: Int) throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: capacity)
            let consumers = (0..<3).map { _ in spawn { try queue.get() } }
            try settle()
            try consumers[0].kill(throwing: Mistake(number: 1))
            try consumers[2].kill(throwing: Mistake(number: 2))
            #expect(queue.gettingCount == 1)
            try queue.put(7)
            #expect(try !queue.tryPut(8) == (capacity == 0))
            #expect(throws: Mistake(number: 1)) { try consumers[0].wait() }
            #expect(try consumers[1].wait() == 7)
            #expect(throws: Mistake(number: 2)) { try consumers[2].wait() }
            _ = try drain(queue)

            if capacity == 1 {
                try queue.put(0)
            }
            let producers = (1...3).map { number in spawn { try queue.put(number) } }
            try settle()
            try producers[0].kill(throwing: Mistake(number: 3))
            try producers[2].kill()
            #expect(queue.puttingCount == 1)
            #expect(throws: Mistake(number: 3)) { try producers[0].wait() }
            #expect(throws: GreenExit.self) { try producers[2].wait() }
            if capacity == 1 {
                #expect(try queue.get() == 0)
            }
            #expect(try queue.tryGet() == 2)
            #expect(try queue.tryGet() == nil)
            try producers[1].wait()
            #expect(queue.unfinishedCount == (capacity == 0 ? 2 : 4), "items that were not put do not count")
        }
    }

    @Test(arguments: [0, 1])
    func `takes no item and leaves nothing if its timeout expires`(_ capacity: Int) throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: capacity)
            #expect(failure { try queue.get(timeout: .milliseconds(2)) }?.code == .timedOut)
            #expect(queue.gettingCount == 0)
            #expect(try queue.tryPut(1) == (capacity == 1))
            #expect(failure { try queue.put(2, timeout: .milliseconds(2)) }?.code == .timedOut)
            #expect(queue.puttingCount == 0)
            #expect(try queue.tryGet() == (capacity == 1 ? 1 : nil))
            #expect(try queue.tryGet() == nil)
        }
    }

    @Test
    func `keeps waiting when the timeouts of others expire`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 0)
            let hasty = spawn { try queue.get(timeout: .milliseconds(2)) }
            let patient = spawn { try queue.get(timeout: .seconds(1000)) }
            #expect(failure { try hasty.wait() }?.code == .timedOut)
            try queue.put(3)
            #expect(try patient.wait() == 3)
        }
    }

    @Test
    func `that was served before a kill returns its item, and its next call throws`() throws {
        for capacity in [0, 1] {
            try onHub { () throws in
                let queue = Queue<Int>(capacity: capacity)
                var got: Int?
                let consumer = spawn {
                    got = try queue.get()
                    try queue.put(100)
                }
                try settle()
                try queue.put(5)
                try consumer.kill(throwing: Mistake(number: 4))
                #expect(throws: Mistake(number: 4)) { try consumer.wait() }
                #expect(got == 5)
                #expect(queue.isEmpty, "an interrupted put puts nothing, whether there is room or not")

                var wasPut = false
                if capacity == 1 {
                    try queue.put(6)
                }
                let producer = spawn {
                    try queue.put(7)
                    wasPut = true
                    _ = try queue.get()
                }
                try settle()
                _ = try queue.get()
                try producer.kill(throwing: Mistake(number: 5))
                #expect(throws: Mistake(number: 5)) { try producer.wait() }
                #expect(wasPut)
                #expect(try drain(queue) == (capacity == 1 ? [7] : []))
            }
        }
    }

    @Test
    func `is shown in a dump`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let queue = Queue<Int>(capacity: 2)
            let consumer = spawn(name: "hungry") { try queue.get() }
            try settle()
            try GreenThread.dumpAll(to: left.fileDescriptor)
            left.close()
            let lines = try right.lines.map { try $0.get() }
            #expect(lines.contains { $0.contains("'hungry'") && $0.contains("queue of 0 out of 2") }, "\(lines)")
            try queue.put(1)
            try consumer.wait()
        }
    }
}
