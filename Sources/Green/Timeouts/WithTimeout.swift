/// Runs the body, and ends it with a ``Timeout`` when it takes longer.
///
/// ```swift
/// let page = try withTimeout(.seconds(5)) {
///     let socket = try connect(to: "example.org:80")
///     try socket.write("GET / HTTP/1.0\r\n\r\n")
///     return try socket.readLine()
/// }
/// ```
///
/// The blocking call that the body is in when the time is over, or its next one, throws. Code that does not block
/// cannot be interrupted: a body that returns after the time is over, without blocking, has succeeded. Limits nest,
/// and the first one to run out counts.
///
/// Costs no more than a few function calls when the body does not block.
///
/// - Parameters:
///   - duration: How long it may take, in all. Zero or less ends it as soon as it blocks; nil is no limit.
///   - body: What to run.
/// - Returns: What the body returned.
/// - Throws: What the body threw, a ``Timeout`` when its time was over.
@available(*, noasync)
@inlinable
public func withTimeout<Result>(_ duration: Duration?, _ body: () throws -> Result) throws -> Result {
    guard let duration else { return try body() }
    let limit = try TimeLimit(duration)
    defer { limit.cancel() }
    return try body()
}

/// Runs the body, and returns the default in its place when it takes longer.
///
/// ```swift
/// let line = try withTimeout(.seconds(5), default: nil) { try client.readLine() }
/// ```
///
/// Only the end of this very time becomes the default: the timeout of another limit, around it or inside, passes, and
/// so does every other error.
///
/// - Parameters:
///   - duration: How long it may take, in all. Zero or less ends it as soon as it blocks; nil is no limit.
///   - value: What to return when its time was over.
///   - body: What to run.
/// - Returns: What the body returned, or the default.
/// - Throws: What the body threw.
@available(*, noasync)
@inlinable
public func withTimeout<Result>(
    _ duration: Duration?,
    default value: @autoclosure () throws -> Result,
    _ body: () throws -> Result
) throws -> Result {
    guard let duration else { return try body() }
    let limit = try TimeLimit(duration)
    defer { limit.cancel() }
    do {
        return try body()
    } catch  where limit.has(thrown: error) {
        return try value()
    }
}

/// Runs the body, and throws the given error when it takes longer.
///
/// ```swift
/// try withTimeout(.seconds(30), throwing: Unreachable(host)) { try login(host) }
/// ```
///
/// Within the body it is a ``Timeout`` as ever; only one that leaves it, and is this very time's, becomes the error.
///
/// - Parameters:
///   - duration: How long it may take, in all. Zero or less ends it as soon as it blocks; nil is no limit.
///   - failure: What to throw when its time was over.
///   - body: What to run.
/// - Returns: What the body returned.
/// - Throws: What the body threw, the given error when its time was over.
@available(*, noasync)
@inlinable
public func withTimeout<Result>(
    _ duration: Duration?,
    throwing failure: @autoclosure () -> any Error,
    _ body: () throws -> Result
) throws -> Result {
    guard let duration else { return try body() }
    let limit = try TimeLimit(duration)
    defer { limit.cancel() }
    do {
        return try body()
    } catch  where limit.has(thrown: error) {
        throw failure()
    }
}
