/// Runs the body, and throws a ``Timeout`` from it if it has not ended at the given time.
///
/// ```swift
/// let deadline = HubInstant.now.advanced(by: .seconds(30))
/// for host in hosts {
///     try withDeadline(deadline) { try greet(host) }
/// }
/// ```
///
/// For one end that several pieces of code share. The same as ``withTimeout(_:_:)`` otherwise: from that time on, every
/// blocking call in the body throws.
///
/// - Parameters:
///   - deadline: The time limit. If it has passed, the first blocking call throws; nil means no limit. A deadline of
///     another hub is the same time, unless one of the two has a virtual clock.
///   - body: The code to run.
/// - Returns: The result of the body.
/// - Throws: The error of the body. A ``Timeout`` if the deadline has passed.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withDeadline<Result>(_ deadline: HubInstant?, _ body: () throws -> Result) throws -> Result {
    guard let deadline else { return try body() }
    return try run(within: TimeLimit(until: deadline), body) { throw $0 }
}

/// Runs the body, and returns a default if it has not ended at the given time.
///
/// ```swift
/// let line = try withDeadline(deadline, default: nil) { try client.readLine() }
/// ```
///
/// Only this deadline leads to the default, as in ``withTimeout(_:default:_:)``.
///
/// - Parameters:
///   - deadline: The time limit. If it has passed, the first blocking call throws; nil means no limit.
///   - value: The value to return if the deadline has passed.
///   - body: The code to run.
/// - Returns: The result of the body, or the default.
/// - Throws: The error of the body.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withDeadline<Result>(
    _ deadline: HubInstant?,
    default value: @autoclosure () throws -> Result,
    _ body: () throws -> Result
) throws -> Result {
    guard let deadline else { return try body() }
    return try run(within: TimeLimit(until: deadline), body) { _ in try value() }
}

/// Runs the body, and throws the given error if it has not ended at the given time.
///
/// ```swift
/// try withDeadline(deadline, throwing: Unreachable(host)) { try login(host) }
/// ```
///
/// Within the body, the error is a ``Timeout``. It is replaced when it leaves the body, if this deadline threw it.
///
/// - Parameters:
///   - deadline: The time limit. If it has passed, the first blocking call throws; nil means no limit.
///   - failure: The error to throw if the deadline has passed.
///   - body: The code to run.
/// - Returns: The result of the body.
/// - Throws: The error of the body. The given error if the deadline has passed.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withDeadline<Result>(
    _ deadline: HubInstant?,
    throwing failure: @autoclosure () -> any Error,
    _ body: () throws -> Result
) throws -> Result {
    guard let deadline else { return try body() }
    return try run(within: TimeLimit(until: deadline), body) { _ in throw failure() }
}
