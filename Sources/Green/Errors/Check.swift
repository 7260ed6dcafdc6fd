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

/// The same for a call that does not throw: it fails only by a programming error, or without a few bytes of memory,
/// where Swift itself would trap.
@discardableResult
@inline(__always)
func checkOrTrap(_ result: Int32) -> Int32 {
    if result < 0 {
        fatalError("\(failure(result))")
    }
    return result
}

/// For a close that does not throw. In a forked child, a close of an object of its parent does nothing. On the OS thread
/// of the object, a close cannot fail.
func finishClose(_ result: Int32) {
    if result != -Errno.improperLink.rawValue {
        checkOrTrap(result)
    }
}

/// Throws the pending interrupt, if any. For the start of a blocking call that may return without calling the core.
@inline(__always)
func checkInterrupt() throws {
    try check(green_check_interrupt())
}

/// The error for a result that the last call of this OS thread has returned.
@inline(never)
func failure(_ result: Int32) -> any Error {
    switch Errno(rawValue: -result) {
    case .canceled:
        guard let error = KillReason.take() else { return GreenExit() }
        ThrownInterrupt.record(error)
        return error
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

/// The error for the result of a thread that did not end in Swift. The core's record of interrupts is about the calling
/// thread, not about that one.
func foreignFailure(_ result: Int32, of thread: String) -> any Error {
    switch Errno(rawValue: -result) {
    case .canceled:
        GreenExit()
    case .timeout:
        SystemError(code: .timeout, message: "\(thread) ended by its own timeout (ETIME)")
    default:
        failure(result)
    }
}

/// The core's explanation of a result. Valid until the next call.
private func explanation(of result: Int32) -> String {
    unsafe String(cString: green_explain(result))
}
