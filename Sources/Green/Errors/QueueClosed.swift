/// The error of a ``Queue`` that is closed: of every put, and of a get when nothing is left in it.
public struct QueueClosed: Error, Hashable, Sendable, CustomStringConvertible {
    /// Makes the error, for code that ends like a queue.
    public init() {}

    public var description: String {
        "the queue is closed"
    }
}
