/// The error for a key of a ``DAGPool`` that is in use: a thread runs for it, or it has a value already.
public struct DAGCollision: Error, CustomStringConvertible {
    /// The key.
    public let key: any Hashable & Sendable

    /// Whether a thread runs for the key. If not, the key has a value or has failed.
    public let isRunning: Bool

    init(key: any Hashable & Sendable, isRunning: Bool) {
        self.key = key
        self.isRunning = isRunning
    }

    public var description: String {
        let reason = isRunning ? "its thread has not ended" : "it has a value or has failed"
        return "key \(String(reflecting: key)) of a DAGPool is taken: \(reason)"
    }
}
