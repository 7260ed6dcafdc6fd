internal import CGreen

/// A value that several green threads read at a time, or one changes, also across blocking calls.
///
/// ```swift
/// let routes = GreenReadWriteLock(try loadRoutes())
/// try routes.withReadLock { routes in try forward(request, by: routes) }
/// try routes.withWriteLock { routes in try routes.reload() }
/// ```
///
/// A lock is only needed where the readers or the writer block: between two blocking calls no other green thread runs.
/// See ``GreenMutex``.
///
/// The lock is granted first come, first served, so neither readers nor writers are starved: a reader that comes after
/// a waiting writer waits behind it. A thread whose wait is interrupted or expires does not get the lock. The lock is
/// not recursive: within either closure, another lock by the same thread throws a ``DeadlockError``.
///
/// A lock belongs to the OS thread that first uses it, so it is not `Sendable`.
@safe
public final class GreenReadWriteLock<Value: ~Copyable> {
    /// Owned. Knows the holders and the waiting threads.
    @safe private let handle: OpaquePointer

    // Only the holders use it, and only a writer changes it.
    @safe @exclusivity(unchecked)
    @usableFromInline
    var value: Value

    /// Creates a lock that no thread holds.
    ///
    /// - Parameter initialValue: The value that the lock protects.
    public init(_ initialValue: consuming Value) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_rwlock_make(&handle))
        unsafe self.handle = handle!
        value = initialValue
    }

    deinit {
        unsafe green_rwlock_free(handle)
    }

    /// Locks for reading, runs the body with the value, and unlocks however the body ends. Blocks while a thread holds
    /// the lock for writing, or waits to.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for the lock; zero does not block, nil means no limit.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body. If the lock is not granted, the body does not run: a ``SystemError`` with the code
    ///   `timedOut` after the timeout, a ``DeadlockError`` if the caller itself holds the lock. If the caller is killed
    ///   or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func withReadLock<Result: ~Copyable>(
        timeout: Duration? = nil,
        _ body: (borrowing Value) throws -> Result
    ) throws -> Result {
        try lockForReading(timeout: timeout)
        defer { unlock() }
        return try body(value)
    }

    /// Locks for writing, runs the body with the value, and unlocks however the body ends. Blocks while another thread
    /// holds the lock.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for the lock; zero does not block, nil means no limit.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The errors of ``withReadLock(timeout:_:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func withWriteLock<Result: ~Copyable>(
        timeout: Duration? = nil,
        _ body: (inout Value) throws -> Result
    ) throws -> Result {
        try lockForWriting(timeout: timeout)
        defer { unlock() }
        return try body(&value)
    }

    /// The number of threads that hold the lock for reading.
    public var readerCount: Int {
        unsafe green_rwlock_readers(handle)
    }

    /// Whether a thread holds the lock for writing.
    public var isLockedForWriting: Bool {
        unsafe green_rwlock_writer(handle) != nil
    }

    /// The number of threads that wait for the lock.
    public var waitingCount: Int {
        unsafe green_rwlock_waiting(handle)
    }

    @usableFromInline
    func lockForReading(timeout: Duration?) throws {
        try check(unsafe green_rwlock_read_lock(handle, timeout.timeout))
    }

    @usableFromInline
    func lockForWriting(timeout: Duration?) throws {
        try check(unsafe green_rwlock_write_lock(handle, timeout.timeout))
    }

    @usableFromInline
    func unlock() {
        checkOrTrap(unsafe green_rwlock_unlock(handle))
    }
}

@available(*, unavailable)
extension GreenReadWriteLock: Sendable {}
