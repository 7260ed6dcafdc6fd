internal import CGreen

extension Queue {
    /// How many items were put and have not been worked off; see ``taskDone()``.
    public var unfinishedCount: Int {
        unsafe Int(green_queue_unfinished(handle))
    }

    /// Says that one item that was got has been worked off. Does not block.
    ///
    /// ```swift
    /// while let job = try jobs.next() {
    ///     defer { try? jobs.taskDone() }
    ///     try job.run()
    /// }
    /// ```
    ///
    /// - Throws: A ``SystemError`` with the code `invalidArgument` when it was said more often than items were put.
    @available(*, noasync)
    public func taskDone() throws {
        try unsafe check(green_queue_task_done(handle))
    }

    /// Blocks until every item that was ever put has been worked off, as ``taskDone()`` tells; not at all when that is
    /// so.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. When the thread is killed, the error of
    ///   that kill.
    @available(*, noasync)
    public func join(timeout: Duration? = nil) throws {
        try unsafe check(green_queue_join(handle, timeout.timeout))
    }
}
