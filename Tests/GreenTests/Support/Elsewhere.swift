import Glibc
import Green

/// Holds a value, to end its last reference on another OS thread.
final class Holder<Value>: @unchecked Sendable {
    private var value: Value?

    init(_ value: Value) {
        self.value = value
    }

    func end() {
        value = nil
    }
}

/// Runs each job of a task on an OS thread of its own. Swift's thread pool has few OS threads, and other tests may
/// block them.
private final class ThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        OSThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }.detach()
    }
}

/// For Tasks that block, or that must run while others block.
let threadForEachJob: any TaskExecutor = ThreadExecutor()

/// Runs the function in a task on another OS thread.
func detachTask(_ body: sending @escaping () -> Void) {
    Task.detached(executorPreference: threadForEachJob) { body() }
}

/// Where a test ends the last reference to an object.
enum Elsewhere: CaseIterable, Sendable {
    case onAThread
    case inATask

    /// Ends the values there, and waits until it is done. Their hub does not run meanwhile.
    func end<Value>(_ holders: [Holder<Value>]) {
        switch self {
        case .onAThread:
            onAnotherThread { holders.forEach { $0.end() } }
        case .inATask:
            let gate = Gate()
            detachTask {
                holders.forEach { $0.end() }
                gate.open()
            }
            gate.pass()
        }
    }
}
