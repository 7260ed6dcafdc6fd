internal import Glibc

/// Runs the only job of a Task on a new OS thread, which ends with it. The Task inherits the task-locals of its
/// creator, so that Swift Testing knows the current test.
final class TestThreadExecutor: TaskExecutor, @unchecked Sendable {
    private let isJoined: Bool

    /// Written while the Task is created, and read by its creator.
    private var thread: pthread_t?

    /// - Parameter isJoined: Whether the creator of the Task calls ``join()``.
    init(isJoined: Bool) {
        self.isJoined = isJoined
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let thread = startThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        if isJoined {
            self.thread = thread
        } else {
            pthread_detach(thread)
        }
    }

    /// Blocks the calling OS thread until the other one has ended, also its hub.
    func join() {
        pthread_join(thread!, nil)
    }
}

private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}

private func startThread(_ body: @escaping () -> Void) -> pthread_t {
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    let error = unsafe pthread_create(
        &thread,
        nil,
        { argument in
            unsafe Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        },
        argument
    )
    precondition(error == 0, "cannot start an OS thread: \(unsafe String(cString: strerror(error)))")
    return thread
}

/// A value that passes to another OS thread, whose users take turns.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
