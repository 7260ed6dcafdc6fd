import Green
import Testing

/// Waits until the condition is true, for an async function.
func eventually(sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool) async throws {
    for _ in 0..<60_000 where !condition() {
        try await Task.sleep(for: .milliseconds(1))
    }
    try #require(condition(), sourceLocation: sourceLocation)
}

/// Starts a green thread on a hub of its own, which ends with it.
func threadOnNewHub<Success>(_ body: @escaping @Sendable () throws -> Success) throws -> RemoteThread<Success> {
    let pool = try HubPool(count: 1)
    return withExtendedLifetime(pool) { pool[0].spawn(body) }
}

/// Runs the body of a test like ``onHub(sourceLocation:_:)`` on a hub of its own. Swift's thread pool, which runs tests,
/// stays free for the Tasks that the body waits for.
func onNewHub(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable () throws -> Void
) async throws {
    try await threadOnNewHub { try onHub(sourceLocation: sourceLocation, body) }.value
}
