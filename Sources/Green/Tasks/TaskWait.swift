internal import CGreen

/// The core's wait of one thread for one Task. The thread and the Task have a reference each.
@safe
final class TaskWait: Sendable {
    /// Owned.
    @safe private nonisolated(unsafe) let handle: OpaquePointer

    /// Begins a blocking call of the caller. The Task has not been started yet.
    init(name: String?, timeout: Duration?) throws {
        var handle: OpaquePointer?
        let result = unsafe printableName(name ?? "").withCString {
            unsafe green_task_wait_begin(&handle, $0, timeout.timeout)
        }
        try check(result)
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_task_wait_free(handle)
    }

    /// The Task calls it last. What it has written before is visible to the thread that waits.
    func end() {
        unsafe green_task_wait_end(handle)
    }

    /// Waits for the Task, which is cancelled if the caller's own Task is.
    func wait(for task: Task<Void, Never>, timeout: Duration?) throws {
        let canceller = TaskCanceller(task)
        let argument = unsafe Unmanaged.passUnretained(canceller).toOpaque()
        let result = unsafe green_task_wait_for(handle, timeout.timeout, cancelTask, argument)
        withExtendedLifetime(canceller) {}
        try check(result)
    }

    /// Waits without a limit. Interrupts stay pending.
    func waitForEnd() {
        unsafe green_task_wait_without_interrupt(handle)
    }
}

/// A Task that C can refer to.
final class TaskCanceller: Sendable {
    fileprivate let task: Task<Void, Never>

    init(_ task: Task<Void, Never>) {
        self.task = task
    }

    /// Cancels it. A blocking call in its cancellation handlers fails.
    func cancel() {
        let argument = unsafe Unmanaged.passUnretained(self).toOpaque()
        withExtendedLifetime(self) {
            unsafe green_task_call_without_blocking(cancelTask, argument)
        }
    }
}

private func cancelTask(_ argument: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<TaskCanceller>.fromOpaque(argument!).takeUnretainedValue().task.cancel()
}
