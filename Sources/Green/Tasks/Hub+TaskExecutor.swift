internal import CGreen

/// Tasks that prefer a hub run on its OS thread, in green threads.
///
/// ```swift
/// let hub = hubs.next()
/// let task = Task(executorPreference: hub) {
///     let page = try download("example.org:80")     // synchronous code, which may block
///     await store.add(page)
/// }
/// await withTaskExecutorPreference(hub) { await crawl() }
/// ```
///
/// A synchronous function that an `async` function calls may block in Green, and only its Task waits: other Tasks and
/// green threads of the hub continue. Blocking calls are unavailable in `async` functions themselves, so that they are
/// not called by mistake in a Task that runs elsewhere.
///
/// The part of a Task from one suspension to the next is a job. Each job runs in a green thread with a stack of the
/// hub's default size, and the next job of the Task in another one. So keep values of a Task in a `@TaskLocal`, not in
/// a ``GreenLocal``. Jobs begin in the order in which they become ready. The priority of a Task does not change that.
///
/// **Actors.** The code of actors runs on the hub too if its caller prefers the hub, except that of the main actor and
/// of actors with an executor of their own. A call that had to wait for another Task may run where that Task has left
/// the actor: on its hub, or on Swift's thread pool. An actor whose synchronous code blocks stays locked until that
/// code continues: other Tasks wait for the actor. Other Tasks access its state only at an `await`.
///
/// **Interrupts.** Cancelling a Task does not end a blocking call. A ``Timeout`` does, as in any green thread, if it
/// starts and ends within one job. ``HubPool/close(drainingFor:)`` with a limit kills the green threads that are in a
/// job at the end of the limit: the blocking call of each throws ``GreenExit``, and the Task continues with this error.
///
/// **The end of the hub.** A Task may outlive its hub. Swift's thread pool runs the jobs that the hub can no longer
/// run, so that the Task completes. These are jobs that become ready after the hub has ended, jobs that have not begun
/// when its OS thread ends or its ``HubPool`` kills its threads, and those of a forked child. A blocking call in them
/// blocks an OS thread of the pool. A job that has begun and waits when the OS thread of the hub ends never continues.
/// ``close()`` fails while a job waits, runs or is ready on the hub.
///
/// A hub is no `SerialExecutor`, and an actor cannot have it as its executor. Such an executor promises to run one job
/// at a time to its end. On a hub another job could begin while one blocks, and two jobs of one actor would see each
/// other's unfinished changes.
///
/// If Green does not know the version of Swift's concurrency runtime, which it reports once, Tasks run on the hub as
/// well, but a blocking call in them throws a ``SystemError`` with the code `wouldBlock`.
extension Hub: TaskExecutor {
    /// Runs a job in a green thread of the hub. Swift calls this. Does not block; any OS thread may call it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = unsafe unsafeBitCast(UnownedJob(job), to: UnsafeMutableRawPointer.self)
        // Retained until the job has run or was refused, because the job refers to its executor.
        let executor = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe green_task_job_enqueue(handle, taskJobKind, job, executor)
    }
}

/// Never freed.
private nonisolated(unsafe) let taskJobKind: UnsafeMutablePointer<green_task_job_kind> = {
    let kind = UnsafeMutablePointer<green_task_job_kind>.allocate(capacity: 1)
    unsafe kind.initialize(
        to: green_task_job_kind(
            run: { job, executor in
                let hub = unsafe Unmanaged<Hub>.fromOpaque(executor).takeRetainedValue()
                withExtendedLifetime(hub) {
                    unsafe unowned(job).runSynchronously(on: hub.asUnownedTaskExecutor())
                }
            },
            refuse: { job, executor in
                unsafe Unmanaged<Hub>.fromOpaque(executor).release()
                globalConcurrentExecutor.enqueue(ExecutorJob(unsafe unowned(job)))
            },
            runs_task: true
        )
    )
    return unsafe kind
}()

/// The job is one word, a reference that its one run consumes.
private func unowned(_ job: UnsafeMutableRawPointer) -> UnownedJob {
    unsafe unsafeBitCast(job, to: UnownedJob.self)
}
