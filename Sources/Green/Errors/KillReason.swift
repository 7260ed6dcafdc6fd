internal import CGreen

/// The error of a `kill(throwing:)`, which the core carries to the killed thread.
final class KillReason {
    private let error: any Error

    private init(_ error: any Error) {
        self.error = error
    }

    /// Posts the error on a thread. The core owns it until it is taken or discarded.
    static func post(_ error: any Error, on thread: OpaquePointer) -> Int32 {
        let reason = unsafe Unmanaged.passRetained(KillReason(error)).toOpaque()
        return unsafe green_thread_kill_with(thread, reason) { reason in
            if let reason = unsafe reason {
                unsafe Unmanaged<KillReason>.fromOpaque(reason).release()
            }
        }
    }

    /// The error that has just interrupted a call of the current thread, or nil when the kill named none.
    static func take() -> (any Error)? {
        guard let reason = unsafe green_reason() else { return nil }
        return unsafe Unmanaged<KillReason>.fromOpaque(reason).takeRetainedValue().error
    }
}
