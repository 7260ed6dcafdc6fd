/// A Task with copies of the task-locals that are bound where the object is created. It runs one synchronous function,
/// on the OS thread and the stack that call ``run(_:)``.
///
/// It is its own executor, so that the Task's only job arrives here.
final class InheritedTask: TaskExecutor, @unchecked Sendable {
    // One thread after the other uses it: the one that creates it, and the one that runs it. It keeps both to the end,
    // so that a leak checker finds the Task of a thread whose hub was lost.
    private nonisolated(unsafe) var job: UnownedJob?
    private nonisolated(unsafe) var function: (() -> Void)?

    init() {
        Task(executorPreference: self) { unsafe self.function!() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        unsafe self.job = UnownedJob(job)
    }

    /// Calls the function in the Task, which then has ended. Call it once.
    func run(_ function: () -> Void) {
        withoutActuallyEscaping(function) {
            unsafe self.function = $0
            unsafe job!.runSynchronously(on: asUnownedTaskExecutor())
            unsafe self.function = nil
        }
    }
}
