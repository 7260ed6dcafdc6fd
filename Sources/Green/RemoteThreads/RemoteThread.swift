internal import CGreen

/// The handle of a green thread that ``Hub/spawn(name:stackSize:after:_:)`` has started on a hub. Any OS thread may use
/// it.
///
/// Copies are handles of the same thread. A thread runs to its end even if no handle of it remains. If no call returns
/// the error that ended a thread, the error is reported on standard error when the last handle is released.
/// ``GreenExit`` is not reported.
public struct RemoteThread<Success: Sendable>: Sendable {
    private let call: RemoteCall<Success>

    init(_ call: RemoteCall<Success>) {
        self.call = call
    }

    /// Waits until the thread has ended, and returns the result of its function or throws its error.
    ///
    /// Any number of threads on any hubs may wait, each any number of times. Does not block if the thread has ended
    /// already. An OS thread without a hub is blocked, and gets none.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The result of the function.
    /// - Throws: The error of the function. If the thread was killed before it ran, ``GreenExit`` or the error of the
    ///   kill. A ``SystemError`` with the code `noSuchProcess` if the hub ended before the thread had ended, or
    ///   `timedOut` if the timeout expires. ``DeadlockError`` if the thread waits for itself. If the caller is killed
    ///   or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func wait(timeout: Duration? = nil) throws -> Success {
        try call.wait(timeout: timeout)
    }

    /// The result of the thread, once it has ended, for an `async` function.
    ///
    /// ```swift
    /// let sizes = hubs.map { hub in hub.spawn { try work() } }
    /// for thread in sizes {
    ///     print(try await thread.value)
    /// }
    /// ```
    ///
    /// Only the Task waits: it blocks no OS thread, and may run on any executor. It throws the errors of
    /// ``wait(timeout:)``. If the Task is cancelled before the thread has ended, it throws `CancellationError`, and the
    /// thread continues to run.
    nonisolated(nonsending) public var value: Success {
        get async throws {
            try await call.value
        }
    }

    /// Interrupts the thread soon: the blocking call that it is in then, or else its next one, throws the error.
    ///
    /// If the thread has not begun, its function never runs. If it has ended, nothing happens. A thread may catch the
    /// error and continue to run. Of several kills, the first counts. Does not block; to wait for the end, call
    /// ``wait(timeout:)``.
    ///
    /// - Parameter error: The error that the thread's blocking call throws.
    /// - Throws: A ``SystemError`` with the code `noSuchProcess` if the hub ends before the thread has ended.
    public func kill(throwing error: any Error = GreenExit()) throws {
        try call.kill(throwing: error)
    }

    /// Whether the thread has ended.
    public var isFinished: Bool {
        call.isFinished
    }

    /// The hub on which the thread runs.
    public var hub: Hub {
        call.hub
    }
}

extension RemoteThread: Hashable {
    public static func == (left: RemoteThread, right: RemoteThread) -> Bool {
        left.call === right.call
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(call))
    }
}
