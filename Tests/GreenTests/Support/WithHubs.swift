import Green
import Testing

/// Runs the body with hubs of other OS threads, and then ends them.
func withHubs(
    _ count: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: ([Hub]) throws -> Void
) throws {
    try onHub(sourceLocation: sourceLocation) { () throws in
        let (made, end) = (Channel<Hub>(), Channel<Void>())
        let threads = (0..<count).map { _ in
            OSThread {
                try? made.send(Hub.current)
                try? end.receive()
            }
        }
        defer {
            end.close()
            for thread in threads {
                thread.join()
            }
        }
        try body((0..<count).map { _ in try made.receive() })
    }
}
