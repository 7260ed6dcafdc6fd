internal import CGreen

/// A Task that a thread waits for, and then its outcome. It has one user at a time: first the Task, then the thread. If
/// the wait of the thread fails, the Task keeps it to its end.
final class AwaitedTask<Success>: @unchecked Sendable {
    private let wait: TaskWait

    /// Nil once the Task has taken it.
    private var body: (() async throws -> sending Success)?

    /// Written by the Task before the end of the wait.
    private var outcome: Result<Success, any Error>?

    init(_ body: sending @escaping () async throws -> sending Success, wait: TaskWait) {
        self.wait = wait
        self.body = body
    }

    /// Starts the Task.
    ///
    /// - Parameters:
    ///   - executor: The preferred executor; nil means the hub of the caller, or Swift's thread pool on an OS thread
    ///     without a hub.
    ///   - immediately: Whether the body may begin on the stack of the caller.
    func start(
        on executor: (any TaskExecutor)?,
        name: String?,
        priority: TaskPriority?,
        immediately: Bool
    ) -> Task<Void, Never> {
        // The Task inherits the task-locals of the caller's Task, but not its cancellation.
        let isCancelled = Task.isCancelled
        if executor == nil, let hub = Hub.ofThisOSThread {
            return immediately && green_task_may_begin_here()
                ? .immediate(name: name, priority: priority, executorPreference: hub) { await self.run(isCancelled) }
                : Task(name: name, executorPreference: hub, priority: priority) { await self.run(isCancelled) }
        }
        return Task(name: name, executorPreference: executor, priority: priority) { await self.run(isCancelled) }
    }

    private func run(_ isCancelled: Bool) async {
        if isCancelled {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
        }
        let body = self.body.take()!
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        wait.end()
    }

    /// Waits for the end of the Task, which is cancelled if the wait fails.
    func wait(for task: Task<Void, Never>, timeout: Duration?, waitingForEnd: Bool) throws {
        do {
            try wait.wait(for: task, timeout: timeout)
        } catch {
            TaskCanceller(task).cancel()
            if waitingForEnd {
                wait.waitForEnd()
            }
            throw error
        }
    }

    func takeOutcome() throws -> sending Success {
        // Only this caller has it, and the Task has ended.
        nonisolated(unsafe) let value = try outcome.take()!.get()
        return unsafe value
    }
}
