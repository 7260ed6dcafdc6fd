internal import CGreen

extension GreenThread {
    /// Interrupts the thread: the blocking call it is in, or its next one, throws the error.
    ///
    /// If the thread has not begun, its function never runs. If it has ended, nothing happens. A thread may catch the
    /// error and continue to run. Of several kills, the first counts.
    ///
    /// - Parameters:
    ///   - error: The error that the thread's blocking call throws.
    ///   - waitingForEnd: Whether to block until the thread has ended, by this error or otherwise. If false, the call
    ///     does not block, unlike Eventlet's, which switches to the killed thread.
    /// - Throws: The error itself, if the thread kills itself. With `waitingForEnd`, the error that interrupts the
    ///   wait.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func kill(throwing error: any Error = GreenExit(), waitingForEnd: Bool = false) throws {
        guard let handle = state.handle else { return waitingForEnd ? try Green.checkInterrupt() : () }
        if error is GreenExit {
            try check(unsafe green_thread_kill(handle))
        } else {
            try check(unsafe KillReason.post(error) { unsafe green_thread_kill_with(handle, $0, $1) })
        }
        if waitingForEnd {
            try state.waitForEnd(timeout: nil)
        }
    }

    /// Kills the thread for good: each of its blocking calls throws ``GreenExit``, until it ends.
    ///
    /// ``kill(throwing:waitingForEnd:)`` ends one call. Use this for code that waits again when it cleans up, such as a
    /// patched C library. Only calls in a shield block then. If the thread has not begun, its function never runs. If
    /// it has ended, nothing happens.
    ///
    /// - Parameter waitingForEnd: Whether to block until the thread has ended.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the thread is the caller. With `waitingForEnd`,
    ///   the error that interrupts the wait.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func killForGood(waitingForEnd: Bool = false) throws {
        guard let handle = state.handle else { return waitingForEnd ? try Green.checkInterrupt() : () }
        try check(unsafe green_thread_kill_for_good(handle))
        if waitingForEnd {
            try state.waitForEnd(timeout: nil)
        }
    }

    /// Stops the thread if it has not begun; ``wait(timeout:)`` then throws ``GreenExit``.
    ///
    /// Does not block.
    ///
    /// - Returns: Whether the thread was stopped. If false, it has begun and continues to run.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func cancel() -> Bool {
        guard let handle = state.handle, unsafe green_thread_cancel(handle) > 0 else { return false }
        return true
    }

    /// Calls the function when the thread has ended, in that thread, after the functions that were linked before.
    ///
    /// If the thread has ended already, the function is called at once, in the calling thread. It must not block:
    /// blocking calls in it throw. An error that it throws is reported on standard error and does not stop the other
    /// functions.
    ///
    /// Does not block.
    ///
    /// - Parameter function: The function to call.
    /// - Returns: The link, which can be used to remove the function.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func onExit(_ function: @escaping () throws -> Void) -> GreenLink {
        let link = GreenLink(function)
        unsafe link.attach(to: state.handle)
        return link
    }
}
