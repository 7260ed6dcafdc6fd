/// Calls a function on a native thread, and waits for it.
///
/// ```swift
/// let digest = try offload { try bcrypt(password, cost: 12) }
/// ```
///
/// For what cannot be green: work that keeps the processor busy for long, and libraries that block in the kernel or in
/// locks of their own. Only the calling green thread waits. The native threads are those that the process shares, 16
/// at most; an ``OffloadPool`` is a set of one's own.
///
/// The function runs beside all green threads of this OS thread, so it must be `Sendable`. It has a stack of 1 MiB, and
/// every signal blocked, which programs that it starts inherit. Blocking calls of Green in it are for a hub of the native
/// thread's own.
///
/// - Parameters:
///   - timeout: How long to wait at most; nil waits for as long as it takes.
///   - function: What to call. It cannot be interrupted: once it has begun it runs to its end, and when nobody waits
///     for that any more, its result is dropped there.
/// - Returns: What the function returned.
/// - Throws: What the function threw. A ``SystemError`` with the code `timedOut` after the timeout,
///   `resourceTemporarilyUnavailable` when the system makes no native thread, `tooManyOpenFiles`, `noMemory`. When the
///   caller is killed or its ``Timeout`` fires meanwhile, that error.
@available(*, noasync)
public func offload<Success>(
    timeout: Duration? = nil,
    _ function: @escaping @Sendable () throws -> sending Success
) throws -> sending Success {
    try OffloadPool.shared.run(timeout: timeout, function)
}
