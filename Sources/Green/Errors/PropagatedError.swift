/// The error of a ``DAGPool``'s key, as those see it who wanted the value.
///
/// A thread that fails because a key it depends on has failed passes the error on in one of its own, so that what it
/// says of itself is the way from the key that was asked for down to the cause:
///
/// ```text
/// key "page" failed: key "login" failed: cannot connect to 10.0.0.1:443: Connection refused …
/// ```
public struct PropagatedError: Error, CustomStringConvertible {
    /// The key without a value.
    public let key: any Hashable & Sendable

    /// What its thread threw, or what was posted: the cause, or the propagated error of another key.
    public let underlying: any Error

    /// Makes an error, for a thread that is to fail as if a key had.
    public init(key: any Hashable & Sendable, underlying: any Error) {
        self.key = key
        self.underlying = underlying
    }

    /// The cause at the end of the chain, which is no propagated error.
    public var cause: any Error {
        var error = underlying
        while let propagated = error as? PropagatedError {
            error = propagated.underlying
        }
        return error
    }

    public var description: String {
        "key \(String(reflecting: key)) failed: \(underlying)"
    }
}
