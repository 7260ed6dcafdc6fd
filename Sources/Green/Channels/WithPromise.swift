/// Calls the body with a promise, and then waits until the promise is sent.
///
/// ```swift
/// let reply = try withPromise(of: Reply.self, timeout: .seconds(5)) { promise in
///     library.request(query) { try? promise.send($0) }
/// }
/// ```
///
/// It turns a call with a callback into a blocking call. A callback that comes after the wait has ended, for example by
/// its timeout, has no effect.
///
/// The same as ``Promise/wait(timeout:_:)``.
///
/// - Parameters:
///   - type: The type of the value.
///   - timeout: The maximum time to wait after the body; zero does not block, nil means no limit.
///   - body: Starts what sends the promise, on any OS thread.
/// - Returns: The value that was sent.
/// - Throws: The error of the body, or the errors of ``Promise/wait(timeout:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@discardableResult
public func withPromise<Value: Sendable>(
    of type: Value.Type = Value.self,
    timeout: Duration? = nil,
    _ body: (Promise<Value>) throws -> Void
) throws -> Value {
    try Promise.wait(timeout: timeout, body)
}

extension Promise {
    /// Calls the body with a promise, and then waits until the promise is sent.
    ///
    /// ``/Green/withPromise(of:timeout:_:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait after the body; zero does not block, nil means no limit.
    ///   - body: Starts what sends the promise, on any OS thread.
    /// - Returns: The value that was sent.
    /// - Throws: The error of the body, or the errors of ``wait(timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public static func wait(timeout: Duration? = nil, _ body: (Promise) throws -> Void) throws -> Value {
        let promise = Promise()
        try body(promise)
        return try promise.wait(timeout: timeout)
    }
}
