import Green
import Testing

@Suite("A programming error with a queue")
struct QueueMistakeTests {
    @Test
    func `such as a negative capacity ends the process with a message`() async throws {
        let plain = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Queue<Int>(capacity: -1)
        }
        let stack = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = LIFOQueue<Int>(capacity: -1)
        }
        let heap = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = PriorityQueue<Int>(capacity: -1)
        }
        let resized = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { Queue<Int>().resize(capacity: -1) }
        }
        for child in [plain, stack, heap, resized] {
            let text = String(decoding: child.standardErrorContent, as: UTF8.self)
            #expect(text.contains("a queue cannot have a capacity of -1; nil is one without limit"), "\(text)")
        }
    }

    @Test
    func `such as a call on another OS thread is an error`() throws {
        try onHub { () throws in
            let queue = Queue<Int>(capacity: 1)
            try queue.put(1)
            var errors: [SystemError?] = []
            var results: [Result<Int, any Error>] = []
            onAnotherThread {
                errors.append(failure { try queue.put(2) })
                errors.append(failure { try queue.tryPut(2) })
                errors.append(failure { try queue.get() })
                errors.append(failure { try queue.next() })
                errors.append(failure { try queue.tryGet() })
                errors.append(failure { try queue.taskDone() })
                errors.append(failure { try queue.join() })
                results = Array(queue)
            }
            #expect(errors.map { $0?.code } == [Errno?](repeating: .improperLink, count: 7))
            #expect(errors.allSatisfy { $0?.message.contains("use a channel") == true }, "\(errors)")
            #expect(results.count == 1, "the failure is the last element")
            #expect(try drain(queue) == [1])
        }
    }

    @Test
    func `such as closing or resizing on another OS thread ends the process with a message`() async throws {
        let closed = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let queue = Queue<Int>()
                try queue.put(1)
                onAnotherThread { queue.close() }
            }
        }
        let resized = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let queue = Queue<Int>()
                try queue.put(1)
                onAnotherThread { queue.resize(capacity: 5) }
            }
        }
        for child in [closed, resized] {
            let text = String(decoding: child.standardErrorContent, as: UTF8.self)
            #expect(text.contains("this queue lives on another OS thread"), "\(text)")
            #expect(text.contains("Channel in Swift"), "\(text)")
        }
    }
}
