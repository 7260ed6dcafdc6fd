internal import CGreen

/// A scope of the core without a Swift object, for `withTimeout` and `withDeadline`. A ``Timeout`` is created only if
/// it expires.
@usableFromInline
@safe
struct TimeLimit {
    /// Owned until `cancel()`.
    @safe private let handle: OpaquePointer

    @usableFromInline
    init(_ duration: Duration) throws {
        var handle: OpaquePointer?
        try check(unsafe green_timeout_start_scope(&handle, duration.nanoseconds))
        self.handle = unsafe handle!
    }

    @usableFromInline
    init(until deadline: HubInstant) throws {
        var handle: OpaquePointer?
        // A negative number would mean no limit.
        try check(unsafe green_timeout_start_scope_until(&handle, max(deadline.nanoseconds, 0)))
        self.handle = unsafe handle!
    }

    /// Leaves the scope. Call this or `cancel(after:)` exactly once, on every path.
    @usableFromInline
    func cancel() {
        unsafe green_timeout_free(handle)
    }

    /// Leaves the scope, because its body has thrown an error.
    ///
    /// - Returns: The timeout of this limit, if the limit has ended the body; nil if the error has another reason.
    @usableFromInline
    func cancel(after error: any Error) -> Timeout? {
        defer { cancel() }
        guard let timeout = error as? Timeout, timeout.number != 0 else { return nil }
        let number = unsafe green_timeout_id(handle)
        if timeout.number == number {
            return timeout
        }
        // Of a limit inside of this one, which has expired too. Those around it have smaller numbers.
        guard timeout.number > number, green_timeout_encloses(number) else { return nil }
        return Timeout(ofLimit: number, of: .nanoseconds(unsafe green_timeout_length(handle)))
    }
}

/// Runs the body within a limit. If the limit ends it, the result is that of `expired`, which is called outside of the
/// limit. Always inlined, so that the body is called directly.
@inlinable
@inline(__always)
func run<Result>(
    within limit: TimeLimit,
    _ body: () throws -> Result,
    expired: (Timeout) throws -> Result
) throws -> Result {
    do {
        let result = try body()
        limit.cancel()
        return result
    } catch {
        guard let timeout = limit.cancel(after: error) else { throw error }
        return try expired(timeout)
    }
}
