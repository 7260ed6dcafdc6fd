internal import SystemPackage

/// Whether an error says that time has run out, whoever set the limit.
///
/// That is a ``Timeout``, and a ``SystemError`` with the code `timedOut`: a blocking call whose own `timeout` is over,
/// or a connection whose peer no longer answers.
///
/// - Parameter error: Any error.
/// - Returns: Whether it is one of these.
public func isTimeout(_ error: any Error) -> Bool {
    error is Timeout || (error as? SystemError)?.code == .timedOut
}
