#if ServiceLifecycle
public import Green
public import ServiceLifecycle

/// A service of swift-service-lifecycle that runs a Green server until it is shut down.
///
/// ```swift
/// let echo = ServerService(drainingFor: .seconds(10)) {
///     try Server(on: "0.0.0.0:6000", hubs: HubPool()) { client, address in
///         while let line = try client.readLine() {
///             try client.write("\(line)\n")
///         }
///     }
/// }
/// let group = ServiceGroup(services: [echo], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
///
/// On graceful shutdown the server stops listening and drains its clients, as `Server.stop(drainingFor:)` does. When
/// the Task of the service is cancelled, its handlers are killed. If a handler ends the server, the service ends.
///
/// The service starts the server and waits for it in a green thread of its own hub, so it blocks no OS thread of
/// Swift's thread pool. Each `run()` starts a server of its own.
public struct ServerService: Service {
    private let grace: Duration?
    private let start: @Sendable () throws -> Server

    /// Makes a service. Starts nothing yet.
    ///
    /// - Parameters:
    ///   - grace: How long the handlers may continue to run after a graceful shutdown; nil means no limit.
    ///   - start: Starts the server. Called in a green thread, with the task-locals of the service's Task. The hubs of
    ///     a pool that it makes end with the server.
    public init(drainingFor grace: Duration? = .seconds(30), _ start: @escaping @Sendable () throws -> Server) {
        self.grace = grace
        self.start = start
    }

    /// Starts the server, and waits until it has ended.
    ///
    /// - Throws: The error of the function that starts the server, or of the handler that ended it.
    ///   `CancellationError` if the Task is cancelled.
    public func run() async throws {
        let server = RunningServer(try ServiceHub.shared, start: start, grace: grace)
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await withCheckedThrowingContinuation { server.run(resuming: $0) }
            } onGracefulShutdown: {
                server.stop()
            }
        } onCancel: {
            server.kill()
        }
    }
}
#endif
