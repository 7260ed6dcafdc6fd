/// Runs the body, and throws a ``Timeout`` from it if it takes longer than the given time.
///
/// ```swift
/// let page = try withTimeout(.seconds(5)) {
///     let socket = try connect(to: "example.org:80")
///     try socket.write("GET / HTTP/1.0\r\n\r\n")
///     return try socket.readLine()
/// }
/// ```
///
/// When the time is over, the blocking call that the body is in throws, and so does every later one, until the body has
/// ended: a loop in the body that tries again cannot outlive the limit. Clean-up that blocks needs a
/// ``withCancellationShield(limit:_:)``. Threads that the body spawns are not limited.
///
/// Code that does not block cannot be interrupted. If the body returns a value after the time, because it did not block
/// or has swallowed the errors, it has succeeded.
///
/// Limits nest. If several have expired, the error is that of the outermost, also where the body throws that of an inner
/// one.
///
/// Costs no more than a few function calls when the body does not block.
///
/// - Parameters:
///   - duration: The time limit for the whole body. With zero or less the first blocking call throws; nil means no
///     limit.
///   - body: The code to run.
/// - Returns: The result of the body.
/// - Throws: The error of the body. A ``Timeout`` if the time is over.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withTimeout<Result>(_ duration: Duration?, _ body: () throws -> Result) throws -> Result {
    guard let duration else { return try body() }
    return try run(within: TimeLimit(duration), body) { throw $0 }
}

/// Runs the body, and returns a default if it takes longer than the given time.
///
/// ```swift
/// let line = try withTimeout(.seconds(5), default: nil) { try client.readLine() }
/// ```
///
/// Only this limit leads to the default. The timeout of an outer limit is thrown, and that of an inner one if this limit
/// has not expired, as is every other error. The default is evaluated outside of the limit, so it may block.
///
/// - Parameters:
///   - duration: The time limit for the whole body. With zero or less the first blocking call throws; nil means no
///     limit.
///   - value: The value to return if the time is over.
///   - body: The code to run.
/// - Returns: The result of the body, or the default.
/// - Throws: The error of the body.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withTimeout<Result>(
    _ duration: Duration?,
    default value: @autoclosure () throws -> Result,
    _ body: () throws -> Result
) throws -> Result {
    guard let duration else { return try body() }
    return try run(within: TimeLimit(duration), body) { _ in try value() }
}

/// Runs the body, and throws the given error if it takes longer than the given time.
///
/// ```swift
/// try withTimeout(.seconds(30), throwing: Unreachable(host)) { try login(host) }
/// ```
///
/// Within the body, the error is a ``Timeout``. It is replaced when it leaves the body, if this limit threw it.
///
/// - Parameters:
///   - duration: The time limit for the whole body. With zero or less the first blocking call throws; nil means no
///     limit.
///   - failure: The error to throw if the time is over.
///   - body: The code to run.
/// - Returns: The result of the body.
/// - Throws: The error of the body. The given error if the time is over.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
public func withTimeout<Result>(
    _ duration: Duration?,
    throwing failure: @autoclosure () -> any Error,
    _ body: () throws -> Result
) throws -> Result {
    guard let duration else { return try body() }
    return try run(within: TimeLimit(duration), body) { _ in throw failure() }
}
