internal import CGreen

extension OffloadPool {
    /// Changes the maximum number of workers.
    ///
    /// If there are more, the idle ones end at once, and the others after their call. If calls wait, workers are
    /// started for them. Does not block.
    ///
    /// ```swift
    /// OffloadPool.shared.resize(to: 4)
    /// ```
    ///
    /// - Parameter size: The maximum number of workers. A number below one ends the process.
    public func resize(to size: Int) {
        guard size > 0 else { fatalError("an OffloadPool cannot have \(size) workers; it needs at least one") }
        checkOrTrap(unsafe green_offload_pool_resize(handle, UInt32(clamping: size)))
    }

    /// Waits until no call waits or runs, those included whose callers have left.
    ///
    /// Do not call it in a function that the pool runs.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: A ``SystemError`` with the code `timedOut` if calls are left after the timeout, or `noMemory`. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitAll(timeout: Duration? = nil) throws {
        try check(unsafe green_offload_pool_wait(handle, timeout.timeout))
    }

    /// Waits until no call waits or runs, and ends all workers.
    ///
    /// Idle workers end at once, whatever the idle time of the pool. The pool can still be used: a call starts a
    /// worker. Empty a pool before a step for which the process must have few OS threads. Do not call it in a function
    /// that the pool runs.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: The errors of ``waitAll(timeout:)``. Some workers may have ended then.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func empty(timeout: Duration? = nil) throws {
        try check(unsafe green_offload_pool_empty(handle, timeout.timeout))
    }

    /// The maximum number of workers.
    public var size: Int { Int(unsafe green_offload_pool_size(handle)) }

    /// The number of workers, idle ones included.
    public var workerCount: Int { Int(unsafe green_offload_pool_workers(handle)) }

    /// The number of calls that run on a worker.
    public var runningCount: Int { Int(unsafe green_offload_pool_running(handle)) }

    /// The number of calls that wait for a worker.
    public var waitingCount: Int { Int(unsafe green_offload_pool_waiting(handle)) }
}
