import Green
import Testing

/// Counts what was produced, and can end with an error.
private struct Numbers: AsyncSequence, Sendable {
    let produced: Count
    let gone: Count
    var limit = Int.max
    var fails = false

    final class Counter: AsyncIteratorProtocol {
        private let numbers: Numbers

        init(_ numbers: Numbers) {
            self.numbers = numbers
        }

        func next() async throws -> Int? {
            guard numbers.produced.value < numbers.limit else {
                if numbers.fails { throw Mistake(number: 1) }
                return nil
            }
            await Task.yield()
            numbers.produced.add()
            return numbers.produced.value
        }

        deinit {
            numbers.gone.add()
        }
    }

    func makeAsyncIterator() -> Counter { Counter(self) }
}

@Suite("Async sequences in green threads")
struct GreenSequenceTests {
    @Test
    func `return each element and then nil`() async throws {
        try await onNewHub { () throws in
            let numbers = Numbers(produced: Count(), gone: Count(), limit: 100)
            let sequence = GreenSequence(of: numbers)
            var received: [Int] = []
            while let number = try sequence.next() {
                received.append(number)
            }
            #expect(received == Array(1...100))
            #expect(try sequence.next() == nil)
            #expect(try sequence.next() == nil)
        }
    }

    @Test
    func `produce no element before a thread asks for it`() async throws {
        try await onNewHub { () throws in
            let numbers = Numbers(produced: Count(), gone: Count())
            let sequence = GreenSequence(of: numbers)
            for expected in 1...5 {
                #expect(try sequence.next() == expected)
                try GreenThread.sleep(for: .milliseconds(2))
                #expect(numbers.produced.value == expected)
            }
        }
    }

    @Test
    func `are cancelled, and release their iterator, when the loop ends early`() async throws {
        try await onNewHub { () throws in
            let numbers = Numbers(produced: Count(), gone: Count())
            for number in GreenSequence(of: numbers) {
                if try number.get() == 3 { break }
            }
            try until { numbers.gone.value == 1 }
            #expect(numbers.produced.value == 3)
        }
    }

    @Test
    func `are cancelled while they produce an element that no thread waits for any more`() async throws {
        try await onNewHub { () throws in
            let (began, ended) = (Count(), Count())
            let stream = AsyncThrowingStream<Int, any Error> {
                began.add()
                defer { ended.add() }
                try await Task.sleep(for: .seconds(3600))
                return nil
            }
            let thread = spawn { try GreenSequence(of: stream).next() }
            try until { began.value == 1 }
            try thread.kill()
            #expect(throws: GreenExit.self) { try thread.wait() }
            try until { ended.value == 1 }
        }
    }

    @Test
    func `throw their error once, and are at their end then`() async throws {
        try await onNewHub { () throws in
            let sequence = GreenSequence(of: Numbers(produced: Count(), gone: Count(), limit: 1, fails: true))
            #expect(try sequence.next() == 1)
            #expect(throws: Mistake.self) { try sequence.next() }
            #expect(try sequence.next() == nil)

            let other = GreenSequence(of: Numbers(produced: Count(), gone: Count(), limit: 1, fails: true))
            let elements = other.map { try? $0.get() }
            #expect(elements == [1, nil])
        }
    }

    @Test
    func `lose no element when a call is interrupted or times out`() async throws {
        try await onNewHub { () throws in
            let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
            let sequence = GreenSequence(of: stream)
            #expect(throws: SystemError.self) { try sequence.next(timeout: .zero) }
            #expect(throws: SystemError.self) { try sequence.next(timeout: .milliseconds(1)) }
            let thread = spawn { try sequence.next() }
            try settle()
            try thread.kill()
            #expect(throws: GreenExit.self) { try thread.wait() }
            continuation.yield(1)
            continuation.yield(2)
            continuation.finish()
            #expect(try sequence.next() == 1)
            #expect(try sequence.next() == 2)
            #expect(try sequence.next() == nil)
        }
    }

    @Test
    func `give each element to one of several threads`() async throws {
        try await onNewHub { () throws in
            let sequence = GreenSequence(of: Numbers(produced: Count(), gone: Count(), limit: 200))
            let threads = (0..<7).map { _ in
                spawn {
                    var received: [Int] = []
                    while let number = try sequence.next() {
                        received.append(number)
                    }
                    return received
                }
            }
            let received = try threads.flatMap { try $0.wait() }
            #expect(received.sorted() == Array(1...200))
        }
    }

    @Test
    func `have the task-locals of their creator`() async throws {
        try await onNewHub { () throws in
            let ids = AsyncStream(unfolding: { Request.id })
            let sequence = Request.$id.withValue(7) { GreenSequence(of: ids) }
            #expect(try sequence.next() == 7)
            #expect(try Request.$id.withValue(8) { try sequence.next() } == 7)
        }
    }

    @Test
    func `that are released let no cancellation handler block`() async throws {
        try await onNewHub { () throws in
            let entered = Promise<Void>()
            let caught = Promise<(any Error)?>()
            let stuck = AsyncStream<Int> {
                await withTaskCancellationHandler {
                    try? entered.send()
                    try? await Task.sleep(for: .seconds(1000))
                } onCancel: {
                    try? caught.send(failure { try GreenThread.sleep(for: .nanoseconds(1)) })
                }
                return nil
            }
            var sequence: GreenSequence? = GreenSequence(of: stuck)
            let reader = spawn { [sequence] in _ = try sequence?.next() }
            try entered.wait()
            try reader.kill(waitingForEnd: true)
            sequence = nil
            let error = try caught.wait(timeout: .seconds(60)) as? SystemError
            #expect(error?.code == .wouldBlock)
        }
    }

    @Test
    func `may run on Swift's thread pool`() async throws {
        try await onNewHub { () throws in
            let sequence = GreenSequence(
                of: Numbers(produced: Count(), gone: Count(), limit: 50),
                on: globalConcurrentExecutor
            )
            #expect(sequence.reduce(0) { sum, number in sum + ((try? number.get()) ?? 0) } == (1...50).reduce(0, +))
        }
    }

    @Test
    func `need not be Sendable`() async throws {
        try await onNewHub { () throws in
            final class Letters: AsyncSequence, AsyncIteratorProtocol {
                private var left = ["a", "b"]
                func makeAsyncIterator() -> Letters { self }
                func next() async throws -> String? { left.isEmpty ? nil : left.removeFirst() }
            }
            let letters = GreenSequence(of: Letters())
            #expect(try letters.map { try $0.get() } == ["a", "b"])
        }
    }
}
