/// The error of calls on a closed ``Queue``: of every put, and of a get when the queue is empty.
public struct QueueClosed: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error, for code that behaves like a queue.
    public init() {}

    public var description: String {
        "the queue is closed"
    }
}
