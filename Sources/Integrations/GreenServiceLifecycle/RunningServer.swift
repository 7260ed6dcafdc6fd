#if ServiceLifecycle
internal import Green
internal import Synchronization

/// The hub on which services start and stop their servers. It runs no handlers.
enum ServiceHub {
    static var shared: Hub {
        get throws { try pool.get()[0] }
    }

    private static let pool = Result { try HubPool(count: 1, name: "service") }
}

/// The server of one `run()`: a green thread that starts it and waits for it. Any OS thread may stop or kill it, also
/// before it has started.
final class RunningServer: Sendable {
    private struct State {
        var thread: RemoteThread<Void>?
        var server: Server?
        var isStopping = false
        var isKilled = false
    }

    private let hub: Hub
    private let start: @Sendable () throws -> Server
    private let grace: Duration?
    private let state = Mutex(State())

    init(_ hub: Hub, start: @escaping @Sendable () throws -> Server, grace: Duration?) {
        self.hub = hub
        self.start = start
        self.grace = grace
    }

    func run(resuming continuation: CheckedContinuation<Void, any Error>) {
        let end = End(continuation)
        let isKilled = state.withLock { state in
            guard !state.isKilled else { return true }
            state.thread = hub.spawn(name: "server") { end.result = Result { try self.serve() } }
            return false
        }
        if isKilled {
            end.result = .failure(CancellationError())
        }
    }

    func stop() {
        let server = state.withLock { state in
            state.isStopping = true
            return state.server
        }
        if let server {
            hub.detach(name: "stop") { try server.stop(drainingFor: self.grace) }
        }
    }

    func kill() {
        let thread = state.withLock { state in
            state.isKilled = true
            return state.thread
        }
        // It fails if the hub has ended, which it does not.
        _ = try? thread?.kill(throwing: CancellationError())
    }

    private func serve() throws {
        let server = try start()
        let isStopping = state.withLock { state in
            state.server = server
            return state.isStopping
        }
        do {
            if isStopping {
                try server.stop(drainingFor: grace)
            }
            try server.wait()
        } catch let error as CancellationError {
            // The thread was killed. A handler that ended the server with this error has stopped it already.
            try server.stop(drainingFor: .zero)
            throw error
        }
    }
}

/// Resumes the Task when the thread has ended: with its result, or as cancelled if it was killed before it began.
private final class End: @unchecked Sendable {
    private let continuation: CheckedContinuation<Void, any Error>

    /// Written by the thread, at its end.
    var result: Result<Void, any Error> = .failure(CancellationError())

    init(_ continuation: CheckedContinuation<Void, any Error>) {
        self.continuation = continuation
    }

    deinit {
        continuation.resume(with: result)
    }
}
#endif
