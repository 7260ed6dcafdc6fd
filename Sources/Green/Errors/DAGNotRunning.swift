/// A key of a ``DAGPool`` that no thread runs for, because none was spawned, it has ended or it was killed.
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
