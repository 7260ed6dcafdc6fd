extension GreenGroup {
    /// Removes the thread that ends next, and returns its result. Blocks until one has ended.
    ///
    /// ```swift
    /// while let page = try group.nextResult() {
    ///     do {
    ///         print(try page.get().count)
    ///     } catch {
    ///         print("one is missing: \(error)")
    ///     }
    /// }
    /// ```
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: What the function returned or threw, or nil if the group is empty.
    /// - Throws: The errors of ``next(timeout:)``; no result is lost.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func nextResult(timeout: Duration? = nil) throws -> Result<Success, any Error>? {
        try work.next(timeout: timeout)?.outcome(Success.self)
    }

    /// Waits for all threads that are in the group, removes them, and returns their results in the order in which the
    /// threads were spawned.
    ///
    /// ```swift
    /// let pages = try withGreenGroup(of: Page.self) { group in
    ///     for host in hosts {
    ///         group.spawn { try fetch(host) }
    ///     }
    ///     return try group.results()
    /// }
    /// ```
    ///
    /// - Returns: The results.
    /// - Throws: The first error of a thread. If the caller is interrupted while it waits, that error. The group keeps
    ///   the other threads, and a later call returns their results. ``DeadlockError`` if the caller is a thread of the
    ///   group and no other is left.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func results() throws -> [Success] {
        try work.takeAll().map { $0.value() }
    }

    /// Kills all threads of the group, except the caller: the blocking call that each is in, or its next one, throws
    /// ``GreenExit``. The functions of those that have not begun never run.
    ///
    /// The threads stay in the group, which can be used as before.
    ///
    /// - Parameter waitingForEnd: Whether to block until these threads have ended. If false, the call does not block.
    /// - Throws: With `waitingForEnd`, the error that interrupts the wait; the threads are killed nevertheless.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func killAll(waitingForEnd: Bool = true) throws {
        try work.killAll(waitingForEnd: waitingForEnd)
    }

    /// Whether no thread is in the group, running or ended.
    public var isEmpty: Bool { work.count == 0 }
}
