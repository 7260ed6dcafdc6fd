internal import CGreen

extension Queue {
    /// The number of items that were put and whose work is not done; see ``taskDone()``.
    public var unfinishedCount: Int {
        unsafe Int(green_queue_unfinished(handle))
    }

    /// Marks the work of one item as done. Does not block. ``join(timeout:)`` waits for this.
    ///
    /// ```swift
    /// while let job = try jobs.next() {
    ///     defer { try? jobs.taskDone() }
    ///     try job.run()
    /// }
    /// ```
    ///
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if it is called more often than items were put.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func taskDone() throws {
        try unsafe check(green_queue_task_done(handle))
    }

    /// Blocks until the work of every item that was put is done, by ``taskDone()``. Returns at once if there is none.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. If the thread is killed, the error
    ///   of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func join(timeout: Duration? = nil) throws {
        try unsafe check(green_queue_join(handle, timeout.timeout))
    }
}
