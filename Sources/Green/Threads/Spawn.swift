/// Starts a function in a new green thread.
///
/// ```swift
/// let thread = spawn { try fetch("example.org:80") }
/// let page = try thread.wait()
/// ```
///
/// The same as ``GreenThread/spawn(name:stackSize:after:_:)``.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
///   - delay: The time until the thread becomes ready; nil means at once.
///   - function: The function to run.
/// - Returns: The handle of the thread.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@discardableResult
@inlinable
public func spawn<Success>(
    name: String? = nil,
    stackSize: Int? = nil,
    after delay: Duration? = nil,
    _ function: consuming @escaping () throws -> Success
) -> GreenThread<Success> {
    GreenThread.spawn(name: name, stackSize: stackSize, after: delay, function)
}

/// Starts a function in a new green thread after a delay, unless the calling thread ends before.
///
/// ```swift
/// spawn(after: .seconds(10), droppedWithSpawner: true) { print("still waiting for the answer") }
/// ```
///
/// The same as ``GreenThread/spawn(name:stackSize:after:droppedWithSpawner:_:)``.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
///   - delay: The time until the thread becomes ready; zero or less means at once.
///   - droppedWithSpawner: Whether the function never runs if the calling thread ends before it has begun.
///   - function: The function to run.
/// - Returns: The handle of the thread.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@discardableResult
@inlinable
public func spawn<Success>(
    name: String? = nil,
    stackSize: Int? = nil,
    after delay: Duration,
    droppedWithSpawner: Bool,
    _ function: consuming @escaping () throws -> Success
) -> GreenThread<Success> {
    GreenThread.spawn(
        name: name,
        stackSize: stackSize,
        after: delay,
        droppedWithSpawner: droppedWithSpawner,
        function
    )
}

extension GreenThread where Success == Never {
    /// Starts a function in a new green thread.
    ///
    /// ```swift
    /// let thread = GreenThread.spawn { try fetch("example.org:80") }
    /// let page = try thread.wait()
    /// ```
    ///
    /// The thread first runs when the caller blocks or yields, after the threads that are ready by then. It stays on this
    /// OS thread, so it can share objects with the caller without locks: only blocking calls switch threads.
    ///
    /// ``GreenThread/wait(timeout:)`` returns the result of the function, or throws its error. The thread runs to its end
    /// even if its handle is dropped. If the thread cannot be started because there is no memory for its stack, the
    /// handle is that of a thread that has ended with that error.
    ///
    /// Does not block. Call it on the OS thread that the green thread is to run on, and not in an `async` function.
    ///
    /// ``/Green/spawn(name:stackSize:after:_:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it. A NUL is replaced by "␀".
    ///   - stackSize: Bytes of address space for the stack; only pages that are touched use memory. Sizes below 64 KiB are
    ///     raised to that; nil means the hub's default of 1 MiB.
    ///   - delay: The time until the thread becomes ready; nil means at once. If ``GreenThread/cancel()`` is called before
    ///     then, the function never runs.
    ///   - function: The function to run.
    /// - Returns: The handle of the thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public static func spawn<Result>(
        name: String? = nil,
        stackSize: Int? = nil,
        after delay: Duration? = nil,
        _ function: consuming @escaping () throws -> Result
    ) -> GreenThread<Result> {
        let state = ThreadState(function)
        state.start(name: name, stackSize: stackSize, delay: delay)
        return GreenThread<Result>(state)
    }

    /// Starts a function in a new green thread after a delay, unless the calling thread ends before.
    ///
    /// ```swift
    /// GreenThread.spawn(after: .seconds(10), droppedWithSpawner: true) { print("still waiting for the answer") }
    /// ```
    ///
    /// If the calling thread ends before the function has begun, the new thread is killed, and
    /// ``GreenThread/wait(timeout:)`` throws ``GreenExit``. Once the function has begun, it runs to its end. This is
    /// Eventlet's `spawn_after_local`. Otherwise the same as ``GreenThread/spawn(name:stackSize:after:_:)``.
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - delay: The time until the thread becomes ready; zero or less means at once.
    ///   - droppedWithSpawner: Whether the function never runs if the calling thread ends before it has begun.
    ///   - function: The function to run.
    /// - Returns: The handle of the thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public static func spawn<Result>(
        name: String? = nil,
        stackSize: Int? = nil,
        after delay: Duration,
        droppedWithSpawner: Bool,
        _ function: consuming @escaping () throws -> Result
    ) -> GreenThread<Result> {
        let state = ThreadState(function)
        state.start(name: name, stackSize: stackSize, delay: delay, droppedWithSpawner: droppedWithSpawner)
        return GreenThread<Result>(state)
    }
}
