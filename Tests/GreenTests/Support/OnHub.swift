import Green
import Testing

/// The counts of a hub that a test must leave unchanged.
struct Residue: Equatable {
    let threads, handles, timers, sockets, operations, buffers: Int

    init() throws {
        let counts = try Hub.statistics
        threads = counts.threads
        handles = counts.handles
        timers = counts.timers
        sockets = counts.sockets
        operations = counts.operations
        buffers = counts.buffers
    }
}

/// Runs the body of a test in the OS thread's own context, and expects its hub to be as empty after it as before.
///
/// Swift Testing has several OS threads, and each keeps its hub from test to test. An `#expect` belongs into the body
/// itself, not into a green thread: there, Swift Testing does not know the current test.
func onHub(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws {
    try #require(Hub.engine != nil)
    let before = try Residue()
    try body()
    // Sockets that were released without a close are closed in later loop iterations.
    for _ in 0..<1000 where try Residue() != before {
        try GreenThread.sleep(for: .milliseconds(1))
    }
    let after = try Residue()
    #expect(after == before, "nothing is left in the hub", sourceLocation: sourceLocation)
}

/// Runs all ready threads, and the threads that these make ready, for a few rounds.
func settle() throws {
    for _ in 0..<10 {
        try GreenThread.yield()
    }
}
