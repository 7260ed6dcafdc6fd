import Green
import Testing

@Suite("Iterating over a queue")
struct QueueIterationTests {
    @Test(arguments: [0, 1, nil])
    func `yields the items until it is closed and empty`(_ capacity: Int?) throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: capacity)
            let producer = spawn {
                for number in 0..<10 {
                    try queue.put(number)
                }
                queue.close()
            }
            var numbers: [Int] = []
            for number in queue {
                numbers.append(try number.get())
            }
            #expect(numbers == Array(0..<10))
            #expect(Array(queue).isEmpty)
            try producer.wait()
        }
    }

    @Test
    func `works for each kind, with the algorithms of sequences`() throws {
        for kind in QueueKind.allCases {
            try onHub { () throws in
                let queue = kind.make(Int.self)
                for number in [2, 3, 1] {
                    try queue.put(number)
                }
                queue.close()
                let expected = [QueueKind.fifo: [2, 3, 1], .lifo: [1, 3, 2], .priority: [1, 2, 3]]
                #expect(try queue.map { try $0.get() } == expected[kind])
            }
        }
    }

    @Test
    func `may end early, which leaves the rest in the queue`() throws {
        try onHub { () throws in
            let queue = Queue<Int>()
            for number in 0..<5 {
                try queue.put(number)
            }
            for number in queue where try number.get() == 2 {
                break
            }
            #expect(try drain(queue) == [3, 4])
        }
    }

    @Test
    func `may be done by several threads, which each get different items`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 3)
            let workers = (0..<4).map { _ in
                spawn { () throws -> [Int] in
                    var numbers: [Int] = []
                    for number in queue {
                        numbers.append(try number.get())
                        try GreenThread.yield()
                    }
                    return numbers
                }
            }
            for number in 0..<100 {
                try queue.put(number)
            }
            queue.close()
            let shares = try workers.map { try $0.wait() }
            #expect(shares.joined().sorted() == Array(0..<100))
            #expect(shares.allSatisfy { !$0.isEmpty })
        }
    }

    @Test
    func `yields a kill as one failure and can continue`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 0)
            var events: [String] = []
            let consumer = spawn {
                for result in queue {
                    switch result {
                    case .success(let number): events.append("\(number)")
                    case .failure(let error): events.append("\(error)")
                    }
                }
                events.append("end")
            }
            try settle()
            try queue.put(1)
            try settle()
            try consumer.kill(throwing: Mistake(number: 2))
            try settle()
            try queue.put(3)
            queue.close()
            try consumer.wait()
            #expect(events == ["1", "Mistake(number: 2)", "3", "end"])
        }
    }

    @Test
    func `ends after a failure that every further call would return`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let queue = Queue<Int>()
                try queue.put(1)
                var errors: [any Error] = []
                var numbers: [Int] = []
                // No thread will put an item, and no other thread can run.
                for result in queue {
                    switch result {
                    case .success(let number): numbers.append(number)
                    case .failure(let error): errors.append(error)
                    }
                }
                precondition(numbers == [1])
                precondition(errors.count == 1)
                precondition(errors[0] is DeadlockError)
            }
        }
    }
}
