internal import CGreen

extension ThreadState {
    /// Passes the function to the core. If that fails, the thread has ended with the error.
    @usableFromInline
    func start(name: String?, stackSize: Int?, delay: Duration?, droppedWithSpawner: Bool = false) {
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        let result = unsafe withSpawnOptions(
            name: name,
            stackSize: stackSize,
            delay: delay,
            droppedWithSpawner: droppedWithSpawner,
            discard: discardThread
        ) {
            unsafe green_spawn_with(&handle, $0, runThread, argument)
        }
        guard result >= 0, let handle = unsafe handle else {
            unsafe Unmanaged<ThreadState>.fromOpaque(argument).release()
            return discard(endingWith: Green.failure(result))
        }
        self.handle = unsafe handle
        unsafe green_thread_set_context(handle, argument)
    }

    /// Passes the function to a group of the core, which retains this object until it hands the thread out. Returns
    /// whether the thread is in the group; if not, it has ended with the error.
    func start(inGroup group: OpaquePointer, name: String?, stackSize: Int?, delay: Duration?) -> Bool {
        // One reference is the thread's, the other the group's.
        let argument = unsafe Unmanaged.passRetained(self).retain().toOpaque()
        var handle: OpaquePointer?
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: delay, discard: discardThread) {
            unsafe green_group_spawn(group, &handle, $0, runThread, argument)
        }
        if let handle = unsafe handle {
            self.handle = unsafe handle
            unsafe green_thread_set_context(handle, argument)
            return true
        }
        let error = Green.failure(result)
        guard isLackOfMemory(error) else { fatalError("\(error)") }
        unsafe Unmanaged<ThreadState>.fromOpaque(argument).release()
        unsafe Unmanaged<ThreadState>.fromOpaque(argument).release()
        discard(endingWith: error)
        return false
    }

    /// Passes the function to a pool. In one of the pool's own threads a full pool calls it in place.
    ///
    /// If it cannot be started for lack of memory, the thread has ended with that error. If this throws and
    /// ``isStarted`` is false, the function was not called, and the call may be repeated; otherwise it was called in
    /// place, and the error that interrupted the caller ended it.
    func start(in pool: OpaquePointer, name: String?, stackSize: Int?, timeout: Int64) throws {
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: nil, discard: discardThread) {
            unsafe green_pool_spawn(pool, &handle, $0, runThread, argument, timeout)
        }
        if let handle = unsafe handle {
            self.handle = unsafe handle
            unsafe green_thread_set_context(handle, argument)
            guard result < 0 else { return }
            throw observedFailure() ?? Green.failure(result)
        }
        let error = Green.failure(result)
        unsafe Unmanaged<ThreadState>.fromOpaque(argument).release()
        guard isLackOfMemory(error) else { throw error }
        discard(endingWith: error)
    }

    /// The thread's id, which grows with each spawn of an OS thread; 0 if it could not be started.
    var id: UInt64 {
        unsafe handle.map { unsafe green_thread_id($0) } ?? 0
    }

    /// Kills the thread, and reports nothing about how it ends.
    func abandon() {
        isObserved = true
        guard !hasEnded, let handle else { return }
        // A thread that drops the last reference to its own map continues: it is about to end.
        _ = unsafe green_thread_kill(handle)
    }

    /// The error that ended the thread, if any. The caller returns or throws it, so it is not reported.
    @usableFromInline
    func observedFailure() -> (any Error)? {
        isObserved = true
        return if case .error(let error) = content { error } else { nil }
    }

    /// The outcome of an ended thread.
    @inlinable
    func outcome<Success>(_: Success.Type) -> Result<Success, any Error> {
        if let failure = observedFailure() {
            return .failure(failure)
        }
        return .success(value())
    }

    /// A copy of the result of a thread that ended without an error.
    @inlinable
    func value<Success>() -> Success {
        slot.load(Success.self, keepingAlive: self)
    }

    /// Throws the error of a finished thread, if any. A pending interrupt of the caller stays pending for its next call,
    /// except for a C thread, whose result only the core knows.
    func throwFailure() throws {
        if !hasEnded {
            try waitForEnd(timeout: nil)
        }
        if let failure = observedFailure() {
            throw failure
        }
    }

    /// Waits for the end, and throws the error that the thread ended with.
    @usableFromInline
    func join(timeout: Duration?) throws {
        try waitForEnd(timeout: timeout)
        if let failure = observedFailure() {
            throw failure
        }
    }

    /// Waits until the outcome is here.
    // Each level of calls across a switch costs a mispredicted return; hence the inlining.
    @inline(__always)
    func waitForEnd(timeout: Duration?) throws {
        guard !hasEnded, let handle else { return try checkInterrupt() }
        var result: Int32 = 0
        try check(unsafe green_thread_wait(handle, &result, timeout.timeout))
        observeEnd(withResult: result)
    }

    /// Stores the outcome of an ended thread of C, whose result a call has returned.
    @inline(__always)
    func observeEnd(withResult result: Int32) {
        guard !hasEnded, let handle else { return }
        // C does not report an error that was waited for, so from here on the error is Swift's.
        content = result < 0 ? .error(foreignFailure(result, of: label(of: handle))) : .value
    }

    /// Whether the core has the function, or the thread has ended without it. False while the function waits for room
    /// in a pool or is called in place.
    var isStarted: Bool {
        unsafe handle != nil || hasEnded
    }

    /// Whether the outcome is here.
    var hasEnded: Bool {
        switch content {
        case .function, .nothing: false
        case .value, .error: true
        }
    }

    /// Ends a thread that never calls its function.
    fileprivate func discard(endingWith error: any Error) {
        perform(self, .discard)
        content = .error(error)
    }
}

/// The C function of every spawned thread. Returns whether the function failed; the error stays in Swift.
private func runThread(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    let state = unsafe Unmanaged<ThreadState>.fromOpaque(argument!).takeRetainedValue()
    state.content = .nothing
    state.perform(state, .run)
    return if case .value = state.content { 0 } else { failedInSwift }
}

/// Called instead if the thread was killed or canceled before it began.
private func discardThread(_ argument: UnsafeMutableRawPointer?) {
    let state = unsafe Unmanaged<ThreadState>.fromOpaque(argument!).takeRetainedValue()
    state.discard(endingWith: KillReason.take() ?? GreenExit())
}
