internal import CGreen

extension ThreadState {
    /// Hands the function to the core. When that fails, the thread has ended with the error.
    @usableFromInline
    func start(name: String?, stackSize: Int?, delay: Duration?) {
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: delay, discard: discardThread) {
            unsafe green_spawn_with(&handle, $0, runThread, argument)
        }
        guard result >= 0, let handle = unsafe handle else {
            let error = Green.failure(result)
            failure = error
            unsafe discardThread(argument)
            return
        }
        self.handle = unsafe handle
        unsafe green_thread_set_context(handle, argument)
    }

    /// Waits for the end, and throws the error that the thread ended with.
    @usableFromInline
    func join(timeout: Duration?) throws {
        try waitForEnd(timeout: timeout)
        isObserved = true
        if phase == .failed, let failure {
            throw failure
        }
    }

    /// Waits for the end. Also in a thread's own links its end is known, though the core is not done with it.
    // Each level of calls across a switch costs a mispredicted return; hence the inlining.
    @inline(__always)
    func waitForEnd(timeout: Duration?) throws {
        guard !hasEnded, let handle else { return }
        var result: Int32 = 0
        try check(unsafe green_thread_wait(handle, timeout.timeout, &result))
        if !hasEnded {
            end(result < 0 ? Green.failure(result) : nil)
        }
    }

    var hasEnded: Bool {
        phase == .returned || phase == .failed
    }

    /// Ends a thread with an error.
    @usableFromInline
    func fail(_ error: any Error) {
        failure = error
        phase = .failed
    }

    /// Ends a thread whose function is not the slot's.
    func end(_ error: (any Error)?) {
        if let error {
            fail(error)
        } else {
            phase = .returned
        }
    }

    /// Decides what a thread that has not begun is to end with. Later decisions change nothing.
    func decideFailure(_ error: @autoclosure () -> any Error) {
        if phase == .pending, failure == nil {
            failure = error()
        }
    }
}

/// The function of every spawned thread. Its result tells C whether it failed; the error itself stays in Swift.
private func runThread(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    let state = unsafe Unmanaged<ThreadState>.fromOpaque(argument!).takeRetainedValue()
    state.phase = .running
    state.perform(state, .run)
    return state.phase == .returned ? 0 : failedInSwift
}

/// Called instead when the thread never ran.
private func discardThread(_ argument: UnsafeMutableRawPointer?) {
    let state = unsafe Unmanaged<ThreadState>.fromOpaque(argument!).takeRetainedValue()
    state.decideFailure(GreenExit())
    state.perform(state, .discard)
    state.phase = .failed
}
