internal import CGreen

extension GreenThread {
    /// Interrupts the thread: the blocking call it is in, or its next one, throws the error.
    ///
    /// A thread that has not begun never will. One that has ended is left alone. A thread may catch the error and
    /// live on; the first of several kills counts.
    ///
    /// - Parameters:
    ///   - error: What the thread's blocking call throws.
    ///   - waitingForEnd: Whether to block until it has ended, however it does.
    /// - Throws: The error itself, when the thread kills itself. With `waitingForEnd`, the error that interrupted the wait.
    @available(*, noasync)
    public func kill(throwing error: any Error = GreenExit(), waitingForEnd: Bool = false) throws {
        guard let handle = state.handle else { return waitingForEnd ? try Green.checkInterrupt() : () }
        let result = unsafe error is GreenExit ? green_thread_kill(handle) : KillReason.post(error, on: handle)
        try check(result)
        if waitingForEnd {
            try state.waitForEnd(timeout: nil)
        }
    }

    /// Stops the thread if it has not begun to run; ``wait(timeout:)`` then throws ``GreenExit``.
    ///
    /// Does not block.
    ///
    /// - Returns: Whether it was stopped. False: it has begun, and goes on.
    @available(*, noasync)
    @discardableResult
    public func cancel() -> Bool {
        guard let handle = state.handle, unsafe green_thread_cancel(handle) > 0 else { return false }
        return true
    }

    /// Calls the function when the thread has ended, in that thread, behind those that were linked before.
    ///
    /// On a thread that has ended already it is called at once. It must not block: blocking calls in it throw. An
    /// error that it throws is reported on standard error and does not stop the others.
    ///
    /// Does not block.
    ///
    /// - Parameter function: What to call.
    /// - Returns: The link, which may be ignored or used to take it back.
    @available(*, noasync)
    @discardableResult
    public func onExit(_ function: @escaping () throws -> Void) -> GreenLink {
        let link = GreenLink(function)
        unsafe link.attach(to: state.handle)
        return link
    }
}
