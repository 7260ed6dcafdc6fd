internal import CGreen

/// Runs the body, and keeps kills and the time limits around it away from it.
///
/// ```swift
/// let socket = try connect(to: "mail.example.org:25")
/// defer {
///     try? withCancellationShield(limit: .seconds(2)) {
///         try socket.write("QUIT\r\n")
///         _ = try socket.readLine()
///     }
///     socket.close()
/// }
/// ```
///
/// For clean-up that has to block: after the end of a ``withTimeout(_:_:)`` every blocking call throws, also in a
/// `defer` or a `catch`. Calls that only release something, such as ``Socket/close()``, need no shield.
///
/// Interrupts from outside stay pending, and the first blocking call after the shield throws them. Limits that are
/// started in the body interrupt it. Shields nest; each has its own limit, and that of an outer one does not reach the
/// inner one.
///
/// - Parameters:
///   - limit: The time after which every blocking call in the body throws a ``Timeout``, so that a peer that does not
///     answer cannot keep a killed thread alive. With zero or less the first one does; nil means no limit.
///   - body: The code to run.
/// - Returns: The result of the body.
/// - Throws: The error of the body. A ``Timeout`` if the limit has expired.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func withCancellationShield<Result>(
    limit: Duration? = .seconds(5),
    _ body: () throws -> Result
) throws -> Result {
    try unsafe withUnsafeTemporaryAllocation(of: green_shield.self, capacity: 1) { memory in
        let shield = memory.baseAddress!
        try check(unsafe green_shield_begin(shield, limit.timeout))
        defer { unsafe green_shield_end(shield) }
        return try body()
    }
}
