internal import CGreen
internal import Synchronization
internal import SystemPackage

/// A function that runs in a green thread of another hub, without the type of its result.
///
/// The C function of the thread has one reference until the function has run or was discarded, and the handles have
/// others, so any OS thread may release the last one.
@safe
class RemoteFunction: @unchecked Sendable {
    final let hub: Hub

    /// Owned. Nil if the thread could not be started. Written only before a handle leaves the OS thread of the spawn;
    /// the thread itself does not use it.
    @safe final private(set) var handle: OpaquePointer?

    init(on hub: Hub) {
        self.hub = hub
    }

    deinit {
        unsafe green_remote_thread_release(handle)
    }

    /// Passes the function to the hub by a call of the core. If that fails, the function is destroyed, and the error is
    /// returned.
    final func spawn(
        name: String?,
        stackSize: Int?,
        delay: Duration?,
        by spawn: (
            UnsafeMutablePointer<OpaquePointer?>, UnsafePointer<green_spawn_options>,
            @convention(c) (UnsafeMutableRawPointer?) -> Int32, UnsafeMutableRawPointer
        ) -> Int32
    ) -> (any Error)? {
        let argument = unsafe Unmanaged<RemoteFunction>.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: delay, discard: discardRemote) {
            unsafe spawn(&handle, $0, runRemote, argument)
        }
        if result < 0 {
            let error = failure(result)
            unsafe Unmanaged<RemoteFunction>.fromOpaque(argument).release()
            discard(endingWith: error)
            return error
        }
        self.handle = unsafe handle
        return nil
    }

    /// Calls the function. Returns whether it succeeded.
    func run() -> Bool { false }

    /// Destroys the function, which is never called. An error is one that ended the thread.
    func discard(endingWith error: (any Error)?) {}
}

/// A function that runs in a green thread of another hub, and then its outcome.
///
/// C cannot hold an `any Error`. So a function that throws returns `failedInSwift` to C, which does not report that,
/// and this object reports the error if no call has returned it. C reports the errors of its own, such as a lack of
/// memory for the stack.
final class RemoteCall<Success: Sendable>: RemoteFunction, @unchecked Sendable {
    /// Nil after the call has begun.
    private var function: (@Sendable () throws -> Success)?

    /// Written before the thread ends, and read by those that have waited for its end. Nil if C ended the thread.
    private var outcome: Result<Success, any Error>?

    /// The thread in reports; nil if it was never started.
    private var thread: GreenReport.Origin?

    /// Whether a call has returned the error.
    private let isObserved = Atomic<Bool>(false)

    init(_ function: @escaping @Sendable () throws -> Success, on hub: Hub) {
        self.function = function
        super.init(on: hub)
    }

    deinit {
        if case .failure(let error) = outcome, !isObserved.load(ordering: .relaxed) {
            let label = thread?.label ?? "a thread that was never started"
            reportFailure(error, "\(label) ended with an error that no thread waited for", of: thread)
        }
    }

    override func run() -> Bool {
        let function = self.function.take()!
        do {
            outcome = .success(try function())
            return true
        } catch {
            outcome = .failure(error)
            thread = .current
            return false
        }
    }

    override func discard(endingWith error: (any Error)?) {
        function = nil
        outcome = error.map { .failure($0) }
    }

    func wait(timeout: Duration?) throws -> Success {
        var result: Int32 = 0
        if let handle {
            try check(unsafe green_remote_thread_wait(handle, &result, timeout.timeout))
        } else {
            try checkInterrupt()
        }
        isObserved.store(true, ordering: .relaxed)
        guard let outcome else { throw foreignFailure(result, of: "the remote thread") }
        return try outcome.get()
    }

    nonisolated(nonsending) var value: Success {
        get async throws {
            if let handle, !isFinished {
                try unsafe await AsyncWait.run { unsafe green_remote_thread_wait_async(handle, $0) }
            }
            if let outcome {
                isObserved.store(true, ordering: .relaxed)
                return try outcome.get()
            }
            return try wait(timeout: .zero)
        }
    }

    func kill(throwing error: any Error) throws {
        guard let handle else { return }
        if error is GreenExit {
            try check(unsafe green_remote_thread_kill(handle))
        } else {
            try check(unsafe KillReason.post(error) { unsafe green_remote_thread_kill_with(handle, $0, $1) })
        }
    }

    var isFinished: Bool {
        guard let handle else { return true }
        return unsafe green_remote_thread_is_finished(handle)
    }
}

private func runRemote(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    let function = unsafe Unmanaged<RemoteFunction>.fromOpaque(argument!).takeRetainedValue()
    return function.run() ? 0 : failedInSwift
}

/// Called instead if the thread was killed before it began, or could not be started on the hub.
private func discardRemote(_ argument: UnsafeMutableRawPointer?) {
    let function = unsafe Unmanaged<RemoteFunction>.fromOpaque(argument!).takeRetainedValue()
    function.discard(endingWith: KillReason.take())
}
