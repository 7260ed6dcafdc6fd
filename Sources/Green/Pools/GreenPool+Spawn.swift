internal import CGreen

extension GreenPool {
    /// Starts a function in a green thread of the pool. Blocks while the pool is full.
    ///
    /// ```swift
    /// let thread = try pool.spawn { try fetch("example.org:80") }
    /// let page = try thread.wait()
    /// ```
    ///
    /// The thread is like one of ``spawn(name:stackSize:after:_:)``: it first runs when the caller blocks or yields,
    /// and its handle may be dropped. If there is no memory for its stack, the thread has ended with that error.
    ///
    /// If the pool is full and the caller is a thread of the pool, the function is called in place, before this call
    /// returns, and the handle is that of a finished thread. ``GreenThread/wait(timeout:)`` of the handle throws the
    /// error of the function, and this call does not. There is one exception: if an interrupt of the caller ended the
    /// function, both throw it, because the interrupt was meant for the caller.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; cut to 31 bytes.
    ///   - timeout: The maximum time to wait for room; zero does not block, nil means no limit.
    ///   - function: The function to run.
    /// - Returns: The handle of the thread.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the pool stays full until the timeout expires. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error. The function was not called then, unless
    ///   in place.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public func spawn<Success>(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: consuming @escaping () throws -> Success
    ) throws -> GreenThread<Success> {
        let state = ThreadState(function)
        try start(state, name: name, timeout: timeout)
        return GreenThread(state)
    }

    @usableFromInline
    func start(_ state: ThreadState, name: String?, timeout: Duration?) throws {
        try start(state, name: name, timeout: timeout.timeout)
    }

    /// Starts a thread; see ``ThreadState/start(in:name:stackSize:timeout:)``. The timeout is in nanoseconds.
    func start(_ state: ThreadState, name: String?, timeout: Int64) throws {
        try unsafe state.start(in: handle, name: name, stackSize: stackSize, timeout: timeout)
    }

    /// Starts a function in a green thread of the pool, without a handle. Blocks while the pool is full.
    ///
    /// This is cheaper than ``spawn(name:timeout:_:)``. An error that the function throws is reported on standard
    /// error, as is a lack of memory to start the thread. ``GreenExit`` is not reported.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; cut to 31 bytes.
    ///   - timeout: The maximum time to wait for room; zero does not block, nil means no limit.
    ///   - function: The function to run.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the pool stays full until the timeout expires. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error. The function was not called then, unless
    ///   in place.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func detach(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: @escaping () throws -> Void
    ) throws {
        try unsafe DetachedFunction(function)
            .start(in: handle, name: name, stackSize: stackSize, timeout: timeout.timeout)
    }
}
