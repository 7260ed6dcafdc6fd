internal import CGreen

/// A bounded pool of OS threads, the workers, for code that cannot be green.
///
/// ```swift
/// let database = OffloadPool(threads: 4, queueLimit: 100, name: "sqlite")
/// let rows = try database.run { try query(statement) }
/// ```
///
/// With its own pool, a slow library does not delay other offloaded calls, such as those of ``offload(timeout:_:)`` in
/// the shared pool. Workers are started for calls, and end after a time without work. All OS threads may use a pool,
/// several at once.
///
/// When the last reference is released, calls whose caller was interrupted still run to their end. Then the workers
/// end.
@safe
public final class OffloadPool: Sendable {
    /// Owned; nil is the core's shared pool.
    @safe nonisolated(unsafe) let handle: OpaquePointer?

    /// The pool of the process, with at most 16 OS threads until ``resize(to:)`` changes that. ``offload(timeout:_:)``
    /// runs its functions there.
    public static let shared = OffloadPool()

    private init() {
        handle = nil
    }

    /// Creates a pool. No OS thread is started yet.
    ///
    /// - Parameters:
    ///   - threads: The maximum number of workers. A number below one ends the process.
    ///   - queueLimit: The maximum number of calls that wait for a worker; nil means no limit. Further calls fail. A
    ///     number below one ends the process.
    ///   - idle: The time without work after which a worker ends; nil means never.
    ///   - name: The name of the OS threads, as debuggers and `top` show it; at most 15 bytes of it.
    public init(
        threads: Int = 16,
        queueLimit: Int? = nil,
        idle: Duration? = .seconds(10),
        name: String = "green-offload"
    ) {
        guard threads > 0 else { fatalError("an OffloadPool cannot have \(threads) workers; it needs at least one") }
        if let queueLimit, queueLimit <= 0 {
            fatalError("the queue of an OffloadPool cannot be limited to \(queueLimit) calls; nil means no limit")
        }
        var handle: OpaquePointer?
        let result = unsafe printableName(name).withCString { name in
            var options = unsafe green_offload_options()
            unsafe options.threads = UInt32(clamping: threads)
            unsafe options.queue_limit = UInt32(clamping: queueLimit ?? 0)
            // Zero is the core's default.
            unsafe options.idle = idle.map { max($0.nanoseconds, 1) } ?? GREEN_FOREVER
            unsafe options.name = unsafe name
            return unsafe green_offload_pool_make(&handle, &options)
        }
        checkOrTrap(result)
        unsafe self.handle = handle
    }

    deinit {
        unsafe green_offload_pool_free(handle)
    }

    /// Calls a function on one of the workers, and waits for it.
    ///
    /// Like ``offload(timeout:_:)``, on the workers of this pool.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for a worker and for the function; nil means no limit.
    ///   - function: The function to call. Once it has begun, it runs to its end, even if the wait has ended. If the
    ///     wait ends before it begins, it is never called.
    /// - Returns: The result of the function.
    /// - Throws: The error of the function. A ``SystemError`` with the code `timedOut` if the timeout expires,
    ///   `resourceTemporarilyUnavailable` if the queue is full or no OS thread can be started, or
    ///   `noMemory`. If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func run<Success>(
        timeout: Duration? = nil,
        _ function: @escaping @Sendable () throws -> sending Success
    ) throws -> sending Success {
        let call = OffloadedCall(function)
        let argument = unsafe Unmanaged<OffloadedFunction>.passRetained(call).toOpaque()
        try check(
            unsafe green_offload(handle, callOffloaded, argument, releaseOffloaded, nil, timeout.timeout)
        )
        unsafe releaseOffloaded(argument)
        return try call.takeResult()
    }
}
