internal import CGreen

extension GreenPool {
    /// Starts a function in a green thread of the pool. Blocks while the pool is full.
    ///
    /// ```swift
    /// let thread = try pool.spawn { try fetch("example.org:80") }
    /// let page = try thread.wait()
    /// ```
    ///
    /// The thread is like one of ``spawn(name:stackSize:after:_:)``: it first runs when the caller blocks or yields, its
    /// handle may be dropped, and when there is no memory for its stack, it has ended with that error.
    ///
    /// When the pool is full and the caller is one of its own threads, the function is called in place, before this
    /// returns, and the handle is that of a thread which has ended. An error of the function is thrown by the handle's
    /// ``GreenThread/wait(timeout:)`` and not from here, except what interrupted the caller in it, which is thrown by
    /// both: the caller has to know.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - timeout: How long to wait for room at most; zero asks without blocking, nil waits for as long as it takes.
    ///   - function: What to run.
    /// - Returns: The handle of the thread.
    /// - Throws: A ``SystemError`` with the code `timedOut` when there was no room within the timeout. When the caller is
    ///   killed or its ``Timeout`` fires meanwhile, that error. The function was not called then, unless in place.
    @available(*, noasync)
    @discardableResult
    @inlinable
    public func spawn<Success>(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: @escaping () throws -> Success
    ) throws -> GreenThread<Success> {
        let state = ThreadState(function)
        try start(state, name: name, timeout: timeout)
        return GreenThread(state)
    }

    @usableFromInline
    func start(_ state: ThreadState, name: String?, timeout: Duration?) throws {
        try start(state, name: name, timeout: timeout.timeout)
    }

    /// Starts a thread; see ``ThreadState/start(in:name:stackSize:timeout:)``. The timeout is in the core's unit.
    func start(_ state: ThreadState, name: String?, timeout: Int64) throws {
        try unsafe state.start(in: handle, name: name, stackSize: stackSize, timeout: timeout)
    }

    /// Starts a function in a green thread of the pool that nobody waits for. Blocks while the pool is full.
    ///
    /// Like ``spawn(name:timeout:_:)`` but without a handle, and cheaper. An error that the function throws is reported
    /// on standard error, and so is a lack of memory to start it; ``GreenExit`` is not.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - timeout: How long to wait for room at most; zero asks without blocking, nil waits for as long as it takes.
    ///   - function: What to run.
    /// - Throws: A ``SystemError`` with the code `timedOut` when there was no room within the timeout. When the caller is
    ///   killed or its ``Timeout`` fires meanwhile, that error. The function was not called then, unless in place.
    @available(*, noasync)
    public func detach(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: @escaping () throws -> Void
    ) throws {
        try unsafe DetachedFunction(function)
            .start(in: handle, name: name, stackSize: stackSize, timeout: timeout.timeout)
    }
}
