import Green
import Testing

/// Runs the body with a pool of hubs, and then ends them.
func withPool(
    _ count: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (HubPool) throws -> Void
) throws {
    try onHub(sourceLocation: sourceLocation) { () throws in
        let pool = try HubPool(count: count)
        try body(pool)
        try pool.close(drainingFor: .zero)
    }
}

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
