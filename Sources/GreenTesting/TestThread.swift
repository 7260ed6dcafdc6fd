internal import Glibc

/// Runs each job on a new OS thread, which ends with it. The task of the job inherits the task-locals of its creator,
/// so that Swift Testing knows the current test.
final class TestThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        startThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}

private func startThread(_ body: @escaping () -> Void) {
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
    pthread_detach(thread)
}

/// Blocks an OS thread until another one signals.
@safe
final class OSSemaphore: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() {
        unsafe sem_post(semaphore)
    }

    func wait() {
        while unsafe sem_wait(semaphore) != 0 {}
    }
}

/// A value that passes to another OS thread, whose users take turns.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
