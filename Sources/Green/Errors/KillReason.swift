internal import CGreen

/// The error of a `kill(throwing:)`, which the core carries to the killed thread.
final class KillReason {
    private let error: any Error

    private init(_ error: any Error) {
        self.error = error
    }

    /// Posts the error on a thread by a call of the core, which owns it until it is taken or discarded.
    static func post(
        _ error: any Error,
        by kill: (UnsafeMutableRawPointer, @convention(c) (UnsafeMutableRawPointer?) -> Void) -> Int32
    ) -> Int32 {
        unsafe kill(Unmanaged.passRetained(KillReason(error)).toOpaque()) { reason in
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
