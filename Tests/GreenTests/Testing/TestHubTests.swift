import Green
import GreenTesting
import Testing

@Suite("A test hub")
struct TestHubTests {
    @Test
    func `returns the result of the body, or throws its error`() async throws {
        #expect(try await withTestHub { 7 } == 7)
        await #expect(throws: Mistake(number: 1)) {
            try await withTestHub { throw Mistake(number: 1) }
        }
    }

    @Test
    func `returns the result of the body, or throws its error, without async`() throws {
        var calls = 0
        let result = try withTestHub {
            calls += 1
            return try spawn { "green" }.wait()
        }
        #expect(result == "green")
        #expect(throws: Mistake(number: 2)) {
            try withTestHub {
                calls += 1
                throw Mistake(number: 2)
            }
        }
        #expect(calls == 2)
    }

    @Test
    func `is a hub of its own`() throws {
        try onHub {
            let threads = try Hub.statistics.threads
            let inside = try withTestHub { try Hub.statistics.threads }
            #expect(inside == 2)
            #expect(try Hub.statistics.threads == threads)
        }
    }

    @Test
    func `throws an error if the engine does not exist`() throws {
        let error = #expect(throws: SystemError.self) { try withTestHub(engine: "steam") {} }
        #expect(error?.code == .invalidArgument)
    }

    // What is left ----------------------------------------------------------------

    /// The error of a body that leaves something.
    private func leftovers(_ body: @escaping @Sendable () throws -> Void) async -> TestHubLeftovers? {
        await #expect(throws: TestHubLeftovers.self) { try await withTestHub(body) }
    }

    @Test
    func `reports a green thread that is left, with what it waits for, and ends it`() async throws {
        let ended = Promise<Bool>()
        let error = await leftovers {
            spawn(name: "forgotten") {
                defer { try? ended.send(true) }
                try Event<Void>().wait()
            }
        }
        let text = try #require(error?.description)
        #expect(text.contains("1 green threads that have not ended"))
        #expect(text.contains("'forgotten': parked, "))
        #expect(try await withTestHub { try ended.wait() })
    }

    @Test
    func `reports a thread that sleeps, and its timer`() async throws {
        let error = await leftovers { spawn { try GreenThread.sleep(for: .seconds(3600)) } }
        #expect(error?.counts.timers == 1)
        #expect(error?.description.contains("1 timers") == true)
    }

    @Test
    func `reports a socket that is left, whose hub then ends with its OS thread`() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let keeper = Keeper()
                do {
                    try withTestHub { keeper.keep(try Socket.pair()) }
                    preconditionFailure("two sockets are left")
                } catch let error as TestHubLeftovers {
                    precondition(error.counts.sockets == 2)
                    precondition(error.description.contains("2 sockets, listeners, files or processes"))
                }
            }
        }
        let report = try #require(result.flatMap { reports(of: $0).first })
        #expect(report.hasPrefix("green: an OS thread ended while its hub 'test' was in use: "))
    }

    @Test
    func `does not mind threads that are about to end, and objects that are released`() async throws {
        try await withTestHub {
            let (near, far) = try Socket.pair()
            detach { _ = try near.readLine() }
            detach { try far.write("bye\n") }
            _ = spawn { try GreenThread.yield() }
        }
    }

    @Test
    func `throws the error of the body rather than that something is left`() async throws {
        await #expect(throws: Mistake(number: 3)) {
            try await withTestHub {
                spawn { try GreenThread.sleep(for: .seconds(3600)) }
                try GreenThread.yield()
                throw Mistake(number: 3)
            }
        }
    }

    @Test
    func `throws a deadlock of the body, and ends it`() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                do {
                    try withTestHub { try Event<Void>().wait() }
                    preconditionFailure("nothing ends the wait")
                } catch is DeadlockError {}
            }
        }
        let report = try #require(result.flatMap { reports(of: $0).first })
        #expect(report.hasPrefix("green: deadlock: "))
    }

    // Cancellation ------------------------------------------------------------------

    /// A cancelled test, such as one that has exceeded its `.timeLimit`.
    @Test(arguments: engines)
    func `ends a body that blocks in Green when the Task is cancelled`(engine: String) async throws {
        let (started, begin) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await withTestHub(virtualClock: false, engine: engine) {
                spawn { try Event<Void>().wait() }
                begin.yield()
                try GreenThread.sleep(for: .seconds(100_000))
            }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test
    func `does not begin if the Task was cancelled before`() async throws {
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return try await withTestHub { 1 }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test
    func `survives cancellations at any time`() async throws {
        for _ in 0..<200 {
            let task = Task {
                try await withTestHub { try GreenThread.yield() }
            }
            await Task.yield()
            task.cancel()
            _ = await task.result
        }
    }
}

/// Keeps an object longer than its hub.
private final class Keeper: @unchecked Sendable {
    private var objects: [Any] = []

    func keep(_ object: Any) {
        objects.append(object)
    }
}
