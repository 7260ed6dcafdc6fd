internal import CGreen

/// A function that a Task runs in a green thread, and then its outcome. First the thread uses it, then the Task.
@safe
final class TaskCall<Success>: RemoteFunction, @unchecked Sendable {
    /// Nil after the call has begun.
    private var function: (() throws -> sending Success)?

    /// Written before the thread ends. Nil if C ended the thread.
    private var outcome: Result<Success, any Error>?

    /// Owned. Nil before the Task waits.
    @safe private var wait: OpaquePointer?

    init(_ function: sending @escaping () throws -> sending Success, on hub: Hub) {
        self.function = function
        super.init(on: hub)
    }

    deinit {
        unsafe green_async_wait_release(wait)
    }

    override func run() -> Bool {
        let function = self.function.take()!
        do {
            outcome = .success(try function())
            return true
        } catch {
            outcome = .failure(error)
            return false
        }
    }

    override func discard(endingWith error: (any Error)?) {
        function = nil
        outcome = error.map { .failure($0) }
    }

    /// Waits for the end of the thread, which is killed if the Task is cancelled.
    nonisolated(nonsending) func waitForEnd() async {
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                if unsafe !resumesAtEnd(unsafeBitCast(continuation, to: UnsafeMutableRawPointer.self)) {
                    unsafe continuation.resume()
                }
            }
        } onCancel: {
            // It fails if the hub has ended. Then the thread has ended, too.
            _ = unsafe KillReason.post(CancellationError()) {
                unsafe green_remote_thread_kill_with(handle!, $0, $1)
            }
        }
    }

    /// Makes the end of the thread resume a continuation. Returns false if the thread has ended.
    private func resumesAtEnd(_ continuation: UnsafeMutableRawPointer) -> Bool {
        checkOrTrap(unsafe green_async_wait_make(&wait, resume, continuation))
        return checkOrTrap(unsafe green_remote_thread_wait_async(handle!, wait!)) == 0
    }

    /// The outcome of a thread that has ended.
    func takeOutcome() throws -> sending Success {
        var result: Int32 = 0
        // Afterwards the error of a thread is not reported any more.
        try check(unsafe green_remote_thread_result(handle!, &result))
        guard let outcome = outcome.take() else { throw foreignFailure(result, of: "the green thread of a Task") }
        // Only the Task has it, and the thread has ended.
        nonisolated(unsafe) let value = try outcome.get()
        return unsafe value
    }
}

/// The continuation is one word.
private func resume(_ continuation: UnsafeMutableRawPointer?, _ result: Int32) {
    unsafe unsafeBitCast(continuation!, to: UnsafeContinuation<Void, Never>.self).resume()
}
