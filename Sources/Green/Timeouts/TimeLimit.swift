internal import CGreen

/// A timeout of the core without a Swift object, for ``withTimeout(_:_:)``. A ``Timeout`` is created only if it fires.
@usableFromInline
@safe
struct TimeLimit {
    /// Owned until `cancel()`.
    @safe private let handle: OpaquePointer

    @usableFromInline
    init(_ duration: Duration) throws {
        var handle: OpaquePointer?
        try check(unsafe green_timeout_start(&handle, duration.nanoseconds))
        self.handle = unsafe handle!
    }

    /// Cancels it. Call this exactly once, on every path.
    @usableFromInline
    func cancel() {
        unsafe green_timeout_free(handle)
    }

    /// Whether this limit threw the error, and not an outer or an inner one.
    @usableFromInline
    func has(thrown error: any Error) -> Bool {
        guard let timeout = error as? Timeout else { return false }
        return unsafe timeout.number == green_timeout_id(handle)
    }
}
