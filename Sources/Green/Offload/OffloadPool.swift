internal import CGreen

/// Native threads for what cannot be green, of which there are no more than so many.
///
/// ```swift
/// let database = OffloadPool(threads: 4, queueLimit: 100, name: "sqlite")
/// let rows = try database.run { try query(statement) }
/// ```
///
/// A set of one's own keeps a slow library from holding up what else is offloaded, as to the shared one by
/// ``offload(timeout:_:)``. The native threads are made as calls come and end when they have been without work for a
/// while. Any OS thread may use it, several at once.
///
/// When the last reference is gone, what was left behind by interrupts still runs, and then the native threads end.
@safe
public final class OffloadPool: Sendable {
    /// Owned; nil is the core's shared pool.
    @safe private nonisolated(unsafe) let handle: OpaquePointer?

    /// The pool of the process, with at most 16 OS threads. ``offload(timeout:_:)`` runs its functions there.
    public static let shared = OffloadPool()

    private init() {
        handle = nil
    }

    /// Makes a pool. No native thread is made yet.
    ///
    /// - Parameters:
    ///   - threads: The maximum number of native threads. A number below one ends the process.
    ///   - queueLimit: The maximum number of calls that wait for a native thread; nil means no limit. Further calls
    ///     fail. A number below one ends the process.
    ///   - idle: After how long without work a native thread ends; nil is never.
    ///   - name: Of the native threads, as debuggers and `top` show it; at most 15 bytes of it.
    public init(
        threads: Int = 16,
        queueLimit: Int? = nil,
        idle: Duration? = .seconds(10),
        name: String = "green-offload"
    ) {
        guard threads > 0 else { fatalError("an OffloadPool cannot have \(threads) native threads; it needs one") }
        if let queueLimit, queueLimit <= 0 {
            fatalError("the queue of an OffloadPool cannot have room for \(queueLimit) calls; nil means no limit")
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

    /// Calls a function on one of the native threads, and waits for it.
    ///
    /// Like ``offload(timeout:_:)``, on this pool's threads.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait at most, for a native thread and for the function; nil waits for as long as it
    ///     takes.
    ///   - function: What to call. Once it has begun it runs to its end, whether somebody waits or not; when the wait
    ///     ends before, it is never called.
    /// - Returns: What the function returned.
    /// - Throws: What the function threw. A ``SystemError`` with the code `timedOut` after the timeout,
    ///   `resourceTemporarilyUnavailable` when the queue is full or the system makes no native thread,
    ///   `tooManyOpenFiles`, `noMemory`. When the caller is killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
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
