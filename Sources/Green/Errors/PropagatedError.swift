/// The error for a key of a ``DAGPool`` that failed, thrown to the threads that need its value.
///
/// If a thread fails because a key it depends on has failed, its key fails with an error that contains that one. The
/// description is the path from the requested key to the cause:
///
/// ```text
/// key "page" failed: key "login" failed: cannot connect to 10.0.0.1:443: Connection refused …
/// ```
public struct PropagatedError: Error, CustomStringConvertible {
    /// The key that failed.
    public let key: any Hashable & Sendable

    /// The error that its thread threw or that was posted: the cause, or the propagated error of another key.
    public let underlying: any Error

    /// Creates an error, for a thread that fails as if a key had failed.
    public init(key: any Hashable & Sendable, underlying: any Error) {
        self.key = key
        self.underlying = underlying
    }

    /// The error at the end of the chain, which is not a `PropagatedError`.
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
