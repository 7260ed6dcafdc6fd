/// Calls an `async` function, and waits for it.
///
/// ```swift
/// let response = try awaiting(timeout: .seconds(5)) { try await client.get(url) }
/// ```
///
/// The same as ``GreenThread/awaiting(on:name:priority:timeout:waitingForEnd:_:)``.
///
/// - Parameters:
///   - executor: The executor that the Task prefers; nil means the caller's hub. `globalConcurrentExecutor` is Swift's
///     thread pool.
///   - name: The name of the Task, shown in dumps.
///   - priority: The priority of the Task; nil means that of the caller's Task.
///   - timeout: The maximum time to wait; nil means no limit.
///   - waitingForEnd: Whether to block until the Task has ended, also after an interrupt.
///   - body: The function to call.
/// - Returns: The result of the function.
/// - Throws: The error of the function, or the error that ended the wait.
@available(*, noasync, message: "it is for green threads: await the function itself")
@discardableResult
public func awaiting<Success>(
    on executor: (any TaskExecutor)? = nil,
    name: String? = nil,
    priority: TaskPriority? = nil,
    timeout: Duration? = nil,
    waitingForEnd: Bool = false,
    _ body: sending @escaping () async throws -> sending Success
) throws -> sending Success {
    try GreenThread.awaiting(
        on: executor,
        name: name,
        priority: priority,
        timeout: timeout,
        waitingForEnd: waitingForEnd,
        body
    )
}

extension GreenThread where Success == Never {
    /// Calls an `async` function in a new Task, and waits for it.
    ///
    /// ```swift
    /// let response = try GreenThread.awaiting(timeout: .seconds(5)) { try await client.get(url) }
    /// ```
    ///
    /// Only the calling green thread blocks. On an OS thread without a hub, the call blocks the OS thread, and makes no
    /// hub. The wait never counts as a deadlock.
    ///
    /// By default, the Task runs on the hub of the caller, so the call stays on one OS thread. Without a timeout, it
    /// begins on the caller's own stack, like a function that the caller calls: a blocking call that it makes before it
    /// first suspends is one of the calling green thread, and a result that comes without a suspension costs no switch.
    /// What follows, and all of it with a timeout, runs in other green threads of the hub. With another executor, and
    /// on an OS thread without a hub, the function runs in parallel to the caller.
    ///
    /// If the caller is killed or its ``Timeout`` fires while it waits, or `timeout` expires, the Task is cancelled,
    /// and the call throws at once. The Task then runs to its end without the caller; what it returns or throws is
    /// discarded. With `waitingForEnd`, the call throws when the Task has ended; further interrupts stay pending
    /// meanwhile.
    ///
    /// If the caller itself runs in a Task that is cancelled, before or while it waits, the new Task is cancelled too,
    /// and the call waits for what it returns or throws. The Task has the task-locals of the caller.
    ///
    /// ``/Green/awaiting(on:name:priority:timeout:waitingForEnd:_:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - executor: The executor that the Task prefers; nil means the caller's hub. `globalConcurrentExecutor` is
    ///     Swift's thread pool.
    ///   - name: The name of the Task, shown by ``GreenThread/dumpAll(to:)`` and in messages.
    ///   - priority: The priority of the Task; nil means that of the caller's Task.
    ///   - timeout: The maximum time to wait; nil means no limit. With zero or less, the Task is not started.
    ///   - waitingForEnd: Whether to block until the Task has ended, also after an interrupt or the timeout.
    ///   - body: The function to call. It and its result pass to another thread. They need not be `Sendable`, but other
    ///     code must not use them.
    /// - Returns: The result of the function.
    /// - Throws: The error of the function. A ``SystemError`` with the code `timedOut` if the timeout expires, or
    ///   `noMemory`. If the caller is killed or its ``Timeout`` fires before or while it waits, that error.
    @available(*, noasync, message: "it is for green threads: await the function itself")
    @discardableResult
    public static func awaiting<Result>(
        on executor: (any TaskExecutor)? = nil,
        name: String? = nil,
        priority: TaskPriority? = nil,
        timeout: Duration? = nil,
        waitingForEnd: Bool = false,
        _ body: sending @escaping () async throws -> sending Result
    ) throws -> sending Result {
        let awaited = AwaitedTask(body, wait: try TaskWait(name: name, timeout: timeout))
        let task = awaited.start(on: executor, name: name, priority: priority, immediately: timeout == nil)
        try awaited.wait(for: task, timeout: timeout, waitingForEnd: waitingForEnd)
        return try awaited.takeOutcome()
    }
}
