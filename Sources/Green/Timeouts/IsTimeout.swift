internal import SystemPackage

/// Returns whether an error says that a time limit has expired, whichever kind of limit.
///
/// Such an error is a ``Timeout``, or a ``SystemError`` with the code `timedOut`: the `timeout` of a blocking call has
/// expired, or the peer of a connection no longer answers.
///
/// - Parameter error: An error.
/// - Returns: Whether the error is one of these.
public func isTimeout(_ error: any Error) -> Bool {
    error is Timeout || (error as? SystemError)?.code == .timedOut
}
