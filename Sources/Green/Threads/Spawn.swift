/// Starts a function in a new green thread.
///
/// ```swift
/// let thread = spawn { try fetch("example.org:80") }
/// let page = try thread.wait()
/// ```
///
/// It first runs when the caller blocks or yields, behind those threads that are ready by then. It stays on this OS
/// thread for life, so that it may share objects with its spawner without locks: only blocking calls switch.
///
/// The result, or the error, is what ``GreenThread/wait(timeout:)`` hands out. The thread runs to its end whether its
/// handle is kept or not. When it cannot be started, because there is no memory for its stack, the handle is that of
/// a thread which has ended with that error.
///
/// Does not block. To be called where the thread is to live, never from an `async` function.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it. A NUL is
///     replaced by "␀".
///   - stackSize: Bytes of address space for its stack, of which only touched pages use memory. At least 64 KiB,
///     smaller sizes are raised to that; nil is the hub's default of 1 MiB.
///   - delay: How long to wait before it becomes ready. ``GreenThread/cancel()`` until then means that it never runs.
///   - function: What to run.
/// - Returns: The handle of the thread.
@available(*, noasync)
@discardableResult
@inlinable
public func spawn<Success>(
    name: String? = nil,
    stackSize: Int? = nil,
    after delay: Duration? = nil,
    _ function: @escaping () throws -> Success
) -> GreenThread<Success> {
    let state = ThreadState(function)
    state.start(name: name, stackSize: stackSize, delay: delay)
    return GreenThread(state)
}
