internal import CGreen
internal import SystemPackage

/// The wait of a Task for an object of the core, which blocks no thread.
@safe
final class AsyncWait: Sendable {
    /// Owned. Written once, before others have the object.
    @safe private nonisolated(unsafe) var handle: OpaquePointer?

    /// Written before the wait begins, and read when it has ended.
    private nonisolated(unsafe) var continuation: UnsafeContinuation<Void, any Error>?

    private init() {
        // The Task has the object until the wait has ended.
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        checkOrTrap(unsafe green_async_wait_make(&handle, hasEnded, context))
    }

    deinit {
        unsafe green_async_wait_release(handle)
    }

    /// Calls a function of the core that begins a wait, and waits until it has ended.
    ///
    /// - Parameter begin: Called once. Returns 1 if it is done at once, 0 if it waits, or an error.
    /// - Throws: `CancellationError` if the Task was cancelled and the wait was not served. ``ChannelClosed``, or a
    ///   ``SystemError``.
    nonisolated(nonsending) static func run(_ begin: (OpaquePointer) -> Int32) async throws {
        let wait = AsyncWait()
        try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { continuation in
                unsafe wait.continuation = continuation
                let result = unsafe begin(wait.handle!)
                if result != 0 {
                    wait.end(result)
                }
            }
        } onCancel: {
            unsafe green_async_wait_cancel(wait.handle!)
        }
    }

    fileprivate func end(_ result: Int32) {
        let continuation = unsafe continuation!
        switch Errno(rawValue: -result) {
        case _ where result >= 0:
            unsafe continuation.resume()
        case .canceled:
            unsafe continuation.resume(throwing: CancellationError())
        case .badFileDescriptor:
            unsafe continuation.resume(throwing: ChannelClosed())
        default:
            // A wait that another thread has ended has left no message here; the core then explains the number.
            unsafe continuation.resume(throwing: failure(result))
        }
    }
}

/// Called by the core, on the OS thread that ends the wait.
private func hasEnded(_ context: UnsafeMutableRawPointer?, _ result: Int32) {
    unsafe Unmanaged<AsyncWait>.fromOpaque(context!).takeUnretainedValue().end(result)
}
