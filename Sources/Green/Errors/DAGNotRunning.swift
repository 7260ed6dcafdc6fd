/// The error for a key of a ``DAGPool`` that no thread runs for: none was spawned, or it has ended or was killed.
public struct DAGNotRunning: Error, CustomStringConvertible {
    /// The key.
    public let key: any Hashable & Sendable

    init(key: any Hashable & Sendable) {
        self.key = key
    }

    public var description: String {
        "no thread of the DAGPool runs for key \(String(reflecting: key))"
    }
}
