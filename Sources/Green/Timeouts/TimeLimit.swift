internal import CGreen

/// A timeout of the core, without an object: what ``withTimeout(_:_:)`` starts. A ``Timeout`` is only made when it
/// fires.
@usableFromInline
@safe
struct TimeLimit {
    /// Owned until it is canceled.
    @safe private let handle: OpaquePointer

    @usableFromInline
    init(_ duration: Duration) throws {
        var handle: OpaquePointer?
        try check(unsafe green_timeout_start(&handle, duration.nanoseconds))
        self.handle = unsafe handle!
    }

    /// To be called once, on every path.
    @usableFromInline
    func cancel() {
        unsafe green_timeout_free(handle)
    }

    /// Whether it is this limit, and not one around it or inside, that the error comes from.
    @usableFromInline
    func has(thrown error: any Error) -> Bool {
        guard let timeout = error as? Timeout else { return false }
        return unsafe timeout.number == green_timeout_id(handle)
    }
}
