import Green
import Testing

/// Runs the body on an OS thread of its own, and expects that it can close its hub after it, because nothing is left.
///
/// Swift's thread pool has an OS thread for each CPU, and each test that uses ``onHub(sourceLocation:_:)`` blocks one of
/// them. So a test whose body waits for a Task that needs the pool, such as one that sleeps, would wait forever if
/// there are several of its kind.
func onThreadHub<Value: Sendable>(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    let outcome = await withCheckedContinuation { continuation in
        OSThread {
            let outcome = Result {
                let value = try body()
                try closeHub()
                return value
            }
            continuation.resume(returning: outcome)
        }.detach()
    }
    if case .failure(let error) = outcome {
        Issue.record(error, sourceLocation: sourceLocation)
    }
    return try outcome.get()
}

/// Sockets and threads of the body may need some loop iterations to end.
private func closeHub() throws {
    for _ in 0..<1000 {
        if failure(of: Hub.close) == nil { return }
        try GreenThread.sleep(for: .milliseconds(1))
    }
    try Hub.close()
}
