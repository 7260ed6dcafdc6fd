internal import CGreen
internal import SystemPackage

/// Turns a result of the C core into a value or an error. Every call of the core passes through here.
@discardableResult
@inline(__always)
func check<Result: SignedInteger & FixedWidthInteger>(_ result: Result) throws -> Result {
    if result < 0 {
        throw failure(Int32(truncatingIfNeeded: result))
    }
    return result
}

/// The same for a call that is not to throw: only a mistake of the programmer can make it fail, or the lack of a few
/// bytes of memory, without which Swift itself could not go on.
@discardableResult
@inline(__always)
func checkOrTrap(_ result: Int32) -> Int32 {
    if result < 0 {
        fatalError("\(failure(result))")
    }
    return result
}

/// Throws the pending interrupt, if any. For the start of a blocking call that may return without calling the core.
@inline(__always)
func checkInterrupt() throws {
    try check(green_check_interrupt())
}

/// The error for a result that a call of this OS thread has just returned.
@inline(never)
func failure(_ result: Int32) -> any Error {
    switch Errno(rawValue: -result) {
    case .canceled:
        return KillReason.take() ?? GreenExit()
    case .timeout:
        return Timeout.thatHasFired() ?? SystemError(code: .timeout, message: explanation(of: result))
    case .deadlock:
        return DeadlockError(message: explanation(of: result))
    #if TLS
    case .protocolError:
        let message = explanation(of: result)
        return TLSError.last(message) ?? SystemError(code: .protocolError, message: message)
    #endif
    case let code:
        return SystemError(code: code, message: explanation(of: result))
    }
}

/// What the core says about a result. To be asked before any other call is made.
private func explanation(of result: Int32) -> String {
    unsafe String(cString: green_explain(result))
}
