internal import SystemPackage

/// Returns whether an error says that a time limit has expired, whichever kind of limit, and the calling code may handle
/// it.
///
/// Such an error is a ``Timeout``, or a ``SystemError`` with the code `timedOut`: the `timeout` of a blocking call has
/// expired, or the peer of a connection no longer answers.
///
/// It is false for the timeout of a ``withTimeout(_:_:)``, a ``withDeadline(_:_:)`` or a shield that the caller has not
/// left yet. Each further blocking call would throw that one again, so it must pass:
///
/// ```swift
/// try withTimeout(.seconds(30)) {
///     while true {
///         do {
///             return try withTimeout(.seconds(2)) { try fetch(url) }
///         } catch where isTimeout(error) {}   // the two seconds, never the thirty
///     }
/// }
/// ```
///
/// - Parameter error: An error.
/// - Returns: Whether it is one of these.
public func isTimeout(_ error: any Error) -> Bool {
    if let timeout = error as? Timeout {
        return !timeout.isOfEnclosingLimit
    }
    return (error as? SystemError)?.code == .timedOut
}
