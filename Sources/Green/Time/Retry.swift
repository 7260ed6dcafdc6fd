/// Runs the body until it succeeds, with a delay after each attempt that failed.
///
/// ```swift
/// let page = try retry(attempts: 5, delay: .exponential(from: .milliseconds(50), upTo: .seconds(10))) {
///     try fetch(host)
/// }
/// ```
///
/// An interrupt (``isInterrupt(_:)``) is not retried: a kill, or a time limit around the call. It ends the delay, too,
/// so a retry never outlives a limit. A limit that begins and ends in the body is a failure, and retried:
///
/// ```swift
/// try withTimeout(.seconds(30)) {
///     try retry(attempts: .max, while: isTimeout) {
///         try withTimeout(.seconds(2)) { try fetch(host) }
///     }
/// }
/// ```
///
/// - Parameters:
///   - attempts: The maximum number of attempts, at least 1.
///   - delay: How long to wait after an attempt that failed.
///   - shouldRetry: Returns whether an error is worth another attempt. It is not called after the last attempt, nor for
///     an interrupt. If it throws, that error is thrown.
///   - body: The code to run.
/// - Returns: The result of the first attempt that succeeds.
/// - Throws: The error of the last attempt. A ``SystemError`` with the code `invalidArgument` if `attempts` is less
///   than 1. If the caller is interrupted during a delay, that error.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func retry<Result>(
    attempts: Int = 3,
    delay: Backoff = .exponential(),
    while shouldRetry: (any Error) throws -> Bool = { _ in true },
    _ body: () throws -> Result
) throws -> Result {
    try retry(attempts, { delay.delay(afterAttempt: $0) }, shouldRetry, body)
}

/// Does the same with a source of random numbers for the delays, such as one that returns the same in each test.
///
/// - Parameters:
///   - attempts: The maximum number of attempts, at least 1.
///   - delay: How long to wait after an attempt that failed.
///   - generator: The source of random numbers.
///   - shouldRetry: Returns whether an error is worth another attempt.
///   - body: The code to run.
/// - Returns: The result of the first attempt that succeeds.
/// - Throws: The errors of ``retry(attempts:delay:while:_:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func retry<Result>(
    attempts: Int = 3,
    delay: Backoff = .exponential(),
    using generator: inout some RandomNumberGenerator,
    while shouldRetry: (any Error) throws -> Bool = { _ in true },
    _ body: () throws -> Result
) throws -> Result {
    try retry(attempts, { delay.delay(afterAttempt: $0, using: &generator) }, shouldRetry, body)
}

private func retry<Result>(
    _ attempts: Int,
    _ delay: (Int) -> Duration,
    _ shouldRetry: (any Error) throws -> Bool,
    _ body: () throws -> Result
) throws -> Result {
    try checked(attempts, "attempts", atLeast: 1)
    var attempt = 1
    while true {
        do {
            return try body()
        } catch {
            guard attempt < attempts, !isInterrupt(error), try shouldRetry(error) else { throw error }
        }
        try GreenThread.sleep(for: delay(attempt))
        attempt += 1
    }
}
