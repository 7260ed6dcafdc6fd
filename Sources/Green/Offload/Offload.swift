/// Calls a function on another OS thread, a worker, and waits for it.
///
/// ```swift
/// let digest = try offload { try bcrypt(password, cost: 12) }
/// ```
///
/// Use it for code that cannot be green: computations that take long, and libraries that block in the kernel or in
/// their own locks. Only the calling green thread blocks. The workers are shared by the process, 16 at most. An
/// ``OffloadPool`` has its own.
///
/// The function runs in parallel to the green threads of this OS thread, so it must be `Sendable`. It has a stack of 1
/// MiB, and all signals are blocked, which programs that it starts inherit. Blocking calls of Green in it use a hub of
/// the worker.
///
/// - Parameters:
///   - timeout: The maximum time to wait; nil means no limit.
///   - function: The function to call. It cannot be interrupted: once it has begun, it runs to its end. If the wait
///     ends before, the result is released on the worker.
/// - Returns: The result of the function.
/// - Throws: The error of the function. A ``SystemError`` with the code `timedOut` if the timeout expires,
///   `resourceTemporarilyUnavailable` if no OS thread can be started, or `noMemory`. If the caller is killed
///   or its ``Timeout`` fires while it waits, that error.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func offload<Success>(
    timeout: Duration? = nil,
    _ function: @escaping @Sendable () throws -> sending Success
) throws -> sending Success {
    try OffloadPool.shared.run(timeout: timeout, function)
}
