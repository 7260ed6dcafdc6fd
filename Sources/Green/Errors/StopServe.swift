/// The error by which a handler ends the ``serve(_:concurrency:stackSize:onError:_:)`` it belongs to.
///
/// `serve` then returns. Handlers that are still running go on, and the listener stays open.
public struct StopServe: Error, Hashable, Sendable, CustomStringConvertible {
    /// Makes the error.
    public init() {}

    public var description: String {
        "a handler asked to stop serving"
    }
}
