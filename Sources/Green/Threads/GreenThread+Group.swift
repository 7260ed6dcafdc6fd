internal import CGreen

extension GreenThread {
    /// Waits until one of the threads has finished.
    ///
    /// ```swift
    /// let fastest = try GreenThread.wait(any: mirrors.map { mirror in spawn { try fetch(mirror) } })
    /// let page = try fastest.wait()
    /// ```
    ///
    /// Does not block if one has finished already. The others continue to run.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The first thread to finish; if some have finished already, the first of those in the array.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires, or `invalidArgument` if there are
    ///   no threads. ``DeadlockError`` if the caller is the only thread in the array. If the caller is killed or its
    ///   ``Timeout`` fires while it waits, that error. Never the error of a thread, which its ``wait(timeout:)``
    ///   throws.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Waits until one of the threads has finished, and ends the others.
    ///
    /// ```swift
    /// let fastest = try GreenThread.wait(
    ///     any: mirrors.map { mirror in spawn { try fetch(mirror) } },
    ///     killingOthers: true
    /// )
    /// ```
    ///
    /// Before this call returns or throws, the other threads have ended: they are killed, and all their later blocking
    /// calls throw ``GreenExit``, except in a ``withCancellationShield(limit:_:)``. Nothing interrupts the wait for their
    /// end. The caller itself may be in the array; it is not killed.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: The maximum time to wait for the first; zero does not block, nil means no limit.
    ///   - killsOthers: Whether to end the other threads. If false, this is ``wait(any:timeout:)``.
    /// - Returns: The first thread to finish; if some have finished already, the first of those in the array.
    /// - Throws: The errors of ``wait(any:timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func wait(
        any threads: [GreenThread<Success>],
        timeout: Duration? = nil,
        killingOthers killsOthers: Bool
    ) throws
        -> GreenThread<Success>
    {
        guard killsOthers else { return try wait(any: threads, timeout: timeout) }
        return try GroupWork.ending(threads.map(\.state)) { try wait(any: threads, timeout: timeout) }
    }

    /// Waits until all of the threads have finished, and returns their results.
    ///
    /// ```swift
    /// let pages = try GreenThread.wait(all: hosts.map { host in spawn { try fetch(host) } })
    /// ```
    ///
    /// The first error of a thread ends the wait at once. The other threads continue to run unless you kill them.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: The maximum time to wait for all of them; zero does not block, nil means no limit.
    /// - Returns: The results of the threads, in the order of the array.
    /// - Throws: The first error that ended one of the threads; if several have failed already, that of the first in
    ///   the array. A ``SystemError`` with the code `timedOut` if the timeout expires. ``DeadlockError`` if the caller
    ///   is one of the threads and no other is left. If the caller is killed or its ``Timeout`` fires while it waits,
    ///   that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public static func wait(all threads: [GreenThread<Success>], timeout: Duration? = nil) throws -> [Success] {
        let group = GroupWork(abandoningThreads: false)
        for thread in threads {
            group.add(thread.state)
        }
        try group.joinAll(timeout: timeout)
        return threads.map { $0.state.value() }
    }

    /// Waits until all of the threads have finished, and returns their results. The first error ends the others.
    ///
    /// ```swift
    /// let pages = try GreenThread.wait(all: hosts.map { host in spawn { try fetch(host) } }, killingOthers: true)
    /// ```
    ///
    /// Before this call returns or throws, all the threads have ended, as described at
    /// ``wait(any:timeout:killingOthers:)``. ``withGreenGroup(of:collectingErrors:_:)`` does the same for threads that it
    /// spawns.
    ///
    /// - Parameters:
    ///   - threads: The threads to wait for.
    ///   - timeout: The maximum time to wait for all of them; zero does not block, nil means no limit.
    ///   - killsOthers: Whether to end the threads that are left. If false, this is ``wait(all:timeout:)``.
    /// - Returns: The results of the threads, in the order of the array.
    /// - Throws: The errors of ``wait(all:timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public static func wait(
        all threads: [GreenThread<Success>],
        timeout: Duration? = nil,
        killingOthers killsOthers: Bool
    ) throws -> [Success] {
        guard killsOthers else { return try wait(all: threads, timeout: timeout) }
        return try GroupWork.ending(threads.map(\.state)) { try wait(all: threads, timeout: timeout) }
    }
}

extension GroupWork {
    /// Runs the body, then ends those of the threads that still run, except the caller.
    static func ending<Result>(_ states: [ThreadState], _ body: () throws -> Result) throws -> Result {
        let work = try GroupWork(collectingErrors: true)
        defer { work.endThreads() }
        for state in states where unsafe state.handle != green_current() {
            work.add(state)
        }
        return try body()
    }
}
