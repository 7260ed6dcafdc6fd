/// The error that a handler throws to end its ``serve(_:concurrency:stackSize:onError:_:)``.
///
/// `serve` then returns. Handlers that are still running continue to run, and the listener stays open.
public struct StopServe: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    public var description: String {
        "a handler asked to stop serving"
    }
}
