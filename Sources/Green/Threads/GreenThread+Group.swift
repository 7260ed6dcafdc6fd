internal import CGreen

extension GreenThread {
    /// Waits until one of the threads has finished.
    ///
    /// ```swift
    /// let fastest = try GreenThread.wait(any: mirrors.map { mirror in spawn { try fetch(mirror) } })
    /// let page = try fastest.wait()
    /// ```
    ///
    /// Does not block when one has finished already. The others go on.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: The first to finish, or the first in the array of those that already have.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout, `invalidArgument` for no threads.
    ///   ``DeadlockError`` when the caller is the only one of them. When the caller is killed or its ``Timeout`` fires
    ///   meanwhile, that error. Never the error of a thread; its ``wait(timeout:)`` throws that.
    @available(*, noasync)
    public static func wait(
        any threads: [GreenThread<Success>],
        timeout: Duration? = nil
    ) throws
        -> GreenThread<Success>
    {
        try Green.checkInterrupt()
        if let thread = threads.first(where: \.isFinished) {
            return thread
        }
        let handles = unsafe threads.map { $0.state.handle }
        return threads[try check(unsafe green_wait_any(handles, handles.count, timeout.timeout))]
    }

    /// Waits until all of the threads have finished, and returns what they did.
    ///
    /// ```swift
    /// let pages = try GreenThread.wait(all: hosts.map { host in spawn { try fetch(host) } })
    /// ```
    ///
    /// The first error of a thread ends the waiting as soon as it happens. The others go on all the same; kill them if
    /// they are not to.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: How long to wait for them all at most; zero asks without blocking, nil waits for as long as it
    ///     takes.
    /// - Returns: What the functions of the threads returned, in the order of the array.
    /// - Throws: The first error that ended one of the threads; of those that have ended already, that of the first in
    ///   the array. A ``SystemError`` with the code `timedOut` after the timeout. ``DeadlockError`` when the caller is
    ///   one of them and no other is left. When the caller is killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
    @discardableResult
    public static func wait(all threads: [GreenThread<Success>], timeout: Duration? = nil) throws -> [Success] {
        let deadline = Deadline(timeout)
        let group = GreenGroup(threads)
        while let thread = try group.next(timeout: deadline.rest) {
            _ = try thread.state.result(Success.self)
        }
        return try threads.map { try $0.state.result(Success.self) }
    }
}
