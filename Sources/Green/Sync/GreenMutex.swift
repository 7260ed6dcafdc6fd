internal import CGreen
internal import SystemPackage

/// A value that one green thread at a time uses, also across blocking calls.
///
/// ```swift
/// let connection = GreenMutex(try connect(to: "127.0.0.1:6000"))
/// let reply = try connection.withLock { socket in
///     try socket.write("status\n")
///     return try socket.readLine()
/// }
/// ```
///
/// Green threads seldom need a lock. They switch only in blocking calls, so between two blocking calls no other green
/// thread runs, and plain variables need no protection. A mutex is for a value that must not be used by others while
/// its user blocks, such as a connection on which a request and its reply belong together.
///
/// No other lock may be held across a blocking call. A `Mutex` of the module Synchronization ends the process when a
/// second green thread of the OS thread locks it, and an `NSLock` blocks the OS thread for ever: both belong to the OS
/// thread.
///
/// Waiting threads get the mutex first come, first served, and no later thread overtakes them. A thread whose wait is
/// interrupted or expires does not get it. A mutex is not recursive: a second `withLock` inside the first throws a
/// ``DeadlockError``. A dump of the green threads names the thread that holds the mutex which a thread waits for.
///
/// A mutex belongs to the OS thread that first uses it, so it is not `Sendable`. Threads of several hubs pass values
/// through a ``Channel``.
@safe
public final class GreenMutex<Value: ~Copyable> {
    /// Owned. Knows the holder and the waiting threads.
    @safe private let handle: OpaquePointer

    /// Owned. For ``withLock(when:timeout:_:)``; nil until a thread waits in it.
    @safe private var condition: OpaquePointer?

    /// The number of threads that wait in ``withLock(when:timeout:_:)``.
    private var conditionalCount = 0

    // Only the holder uses it.
    @safe @exclusivity(unchecked)
    @usableFromInline
    var value: Value

    /// Creates a mutex that no thread holds.
    ///
    /// - Parameter initialValue: The value that the mutex protects.
    public init(_ initialValue: consuming Value) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_mutex_make(&handle))
        unsafe self.handle = handle!
        value = initialValue
    }

    deinit {
        unsafe green_condition_free(condition)
        unsafe green_mutex_free(handle)
    }

    /// Locks the mutex, runs the body with the value, and unlocks the mutex however the body ends. Blocks while another
    /// thread holds the mutex.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for the mutex; zero does not block, nil means no limit.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body. If the mutex cannot be locked, the body does not run: a ``SystemError`` with the
    ///   code `timedOut` if another thread held the mutex for the timeout, a ``DeadlockError`` if the caller itself holds
    ///   it. If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func withLock<Result: ~Copyable>(
        timeout: Duration? = nil,
        _ body: (inout Value) throws -> Result
    ) throws -> Result {
        try lock(timeout: timeout)
        defer { unlock() }
        return try body(&value)
    }

    /// Waits until a condition holds for the value, and then runs the body while it does.
    ///
    /// ```swift
    /// let job = try jobs.withLock(when: { !$0.isEmpty }) { $0.removeFirst() }
    /// ```
    ///
    /// This is Green's condition variable, and it needs no signals: each time another thread has used the value, the
    /// condition is tested again. Threads are tested in the order of their calls. Use a ``Queue`` or an ``Event`` where
    /// these fit; they wake only the thread that has something to do.
    ///
    /// - Parameters:
    ///   - condition: Tests the value. It must not block, and depend on nothing but the value.
    ///   - timeout: The maximum time to wait until the condition holds and the mutex is locked; zero does not block, nil
    ///     means no limit.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The errors of ``withLock(timeout:_:)``, and those of the condition.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func withLock<Result: ~Copyable>(
        when condition: (borrowing Value) throws -> Bool,
        timeout: Duration? = nil,
        _ body: (inout Value) throws -> Result
    ) throws -> Result {
        try lock(timeout: timeout) { () throws in try condition(value) }
        defer { unlock() }
        return try body(&value)
    }

    /// Does the same as ``withLock(timeout:_:)`` if no thread holds the mutex. Does not block to lock it.
    ///
    /// A call on another OS thread ends the process.
    ///
    /// - Parameter body: The code to run. It may block.
    /// - Returns: The result of the body; nil if a thread holds the mutex, such as the caller.
    /// - Throws: The error of the body.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func withLockIfAvailable<Result: ~Copyable, Failure>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard tryLock() else { return nil }
        defer { unlock() }
        return try body(&value)
    }

    /// Whether a thread holds the mutex.
    public var isLocked: Bool {
        unsafe green_mutex_holder(handle) != nil
    }

    /// The number of threads that wait for the mutex, or for a condition of its value.
    public var waitingCount: Int {
        guard let condition else { return unsafe green_mutex_waiting(handle) }
        return unsafe green_mutex_waiting(handle) + green_condition_waiting(condition)
    }

    @usableFromInline
    func lock(timeout: Duration?) throws {
        try check(unsafe green_mutex_lock(handle, timeout.timeout))
    }

    @usableFromInline
    func tryLock() -> Bool {
        checkOrTrap(unsafe green_mutex_try_lock(handle)) > 0
    }

    @usableFromInline
    func unlock() {
        if conditionalCount > 0 {
            checkOrTrap(unsafe green_condition_broadcast(condition!))
        }
        checkOrTrap(unsafe green_mutex_unlock(handle))
    }

    /// Locks the mutex when the value meets a condition.
    @usableFromInline
    func lock(timeout: Duration?, when isMet: () throws -> Bool) throws {
        let deadline = Deadline(timeout)
        try lock(timeout: timeout)
        do {
            while try !isMet() {
                try waitForChange(within: deadline.rest, of: timeout)
            }
        } catch {
            // A deadlock may have ended the wait without the mutex.
            if unsafe green_mutex_holder(handle) == green_current() {
                unlock()
            }
            throw error
        }
    }

    /// Waits, with the mutex unlocked, until another thread has used the value.
    private func waitForChange(within rest: Duration?, of timeout: Duration?) throws {
        if unsafe condition == nil {
            try check(unsafe green_condition_make(&condition))
        }
        conditionalCount += 1
        defer { conditionalCount -= 1 }
        let result = unsafe green_condition_wait(condition!, handle, rest.timeout)
        if let timeout, Errno(rawValue: -result) == .timedOut {
            let message = "the condition for a mutex did not come true within \(timeout) (ETIMEDOUT)"
            throw SystemError(code: .timedOut, message: message)
        }
        try check(result)
    }
}

@available(*, unavailable)
extension GreenMutex: Sendable {}
