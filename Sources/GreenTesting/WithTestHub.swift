/// Runs the body in a green thread of a fresh hub, on an OS thread of its own, and checks that nothing is left.
///
/// ```swift
/// @Test func `a silent client is disconnected after a minute`() throws {
///     try withTestHub {
///         let (client, server) = try Socket.pair()
///         let handler = spawn { try withTimeout(.seconds(60)) { try server.readLine() } }
///         #expect(throws: Timeout.self) { try handler.wait() }   // takes a millisecond
///         client.close()
///         server.close()
///     }
/// }
/// ```
///
/// The hub has a virtual clock by default: sleeps, timeouts and deadlines elapse at once when no thread is ready. The
/// page "Testing green code" of Green has its rules.
///
/// The body and the threads that it spawns have the task-locals of the caller, among them the current test of Swift
/// Testing. An `#expect` that fails on the hub is therefore recorded for the right test. Blocks the calling OS thread
/// until the body has returned and the other OS thread has ended. In an `async` function, call the `async` form: a
/// cancellation ends it.
///
/// - Parameters:
///   - virtualClock: Whether the hub has a virtual clock.
///   - engine: The I/O engine, `"uring"` or `"epoll"`. Nil selects the default of `Hub.open`.
///   - body: The test. It may use objects of the caller, which waits meanwhile.
/// - Returns: The result of the body.
/// - Throws: The error of the body. If the body has returned and something of the hub is left, a ``TestHubLeftovers``.
///   A `SystemError` if the hub or its OS thread cannot be created.
@available(*, noasync, message: "use the async form: try await withTestHub { }")
public func withTestHub<Result>(
    virtualClock: Bool = true,
    engine: String? = nil,
    _ body: () throws -> Result
) throws -> Result {
    try withoutActuallyEscaping(body) { body in
        let hub = TestHub(virtualClock: virtualClock, engine: engine, body: body)
        let runner = Unchecked(hub)
        let executor = TestThreadExecutor(isJoined: true)
        _ = Task(executorPreference: executor) { runner.value.run() }
        executor.join()
        return try hub.takeOutcome()
    }
}

/// Runs the body in a green thread of a fresh hub, on an OS thread of its own, and checks that nothing is left.
///
/// The form for `async` tests:
///
/// ```swift
/// @Test(.timeLimit(.minutes(1))) func `the queue is served`() async throws {
///     try await withTestHub {
///         ...
///     }
/// }
/// ```
///
/// The body is a plain function, and Green's calls block its green thread. The call suspends the caller. If the caller's
/// Task is cancelled, as by `.timeLimit`, the body's green thread is killed: its blocking call throws
/// `CancellationError`. All other threads of the hub are killed when the body has ended. So a test that blocks in Green
/// ends, and reports its error.
///
/// - Parameters:
///   - virtualClock: Whether the hub has a virtual clock.
///   - engine: The I/O engine, `"uring"` or `"epoll"`. Nil selects the default.
///   - body: The test.
/// - Returns: The result of the body.
/// - Throws: The error of the body. If the body has returned and something of the hub is left, a ``TestHubLeftovers``.
///   A `SystemError` if the hub or its OS thread cannot be created.
public func withTestHub<Result: Sendable>(
    virtualClock: Bool = true,
    engine: String? = nil,
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    let hub = TestHub(virtualClock: virtualClock, engine: engine, body: body)
    let runner = Unchecked(hub)
    return try await withTaskCancellationHandler {
        await Task(executorPreference: TestThreadExecutor(isJoined: false)) { runner.value.run() }.value
        return try runner.value.takeOutcome()
    } onCancel: {
        runner.value.cancellation.cancel()
    }
}
