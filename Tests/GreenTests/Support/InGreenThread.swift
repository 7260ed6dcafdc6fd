import Green
import Testing

/// Runs the body of a test in a green thread of a new hub, and expects the hub to be as empty after it as before.
///
/// For tests that wait for Tasks. Their sleeps need Swift's thread pool, which is small: tests that are not `async` run
/// on it, and would block all of its OS threads. An `#expect` in the body itself belongs to the test, whose task-locals the
/// green thread inherits.
func inGreenThread(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: sending @escaping () throws -> Void
) async throws {
    let pool = try await withGreenThread { try HubPool(count: 1) }
    try await pool.run { try onHub(sourceLocation: sourceLocation) { try body() } }
    try await withGreenThread { _ = try pool.close(drainingFor: .zero) }
}
