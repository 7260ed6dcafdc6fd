internal import CGreen

/// A pool of green threads that bounds how many of them run at the same time.
///
/// ```swift
/// let pool = GreenPool(size: 100)
/// for host in hosts {
///     try pool.detach { try greet(host) }
/// }
/// try pool.waitAll()
/// ```
///
/// A pool applies back-pressure: while it is full, a spawn blocks until one of its threads ends. Waiting spawns are
/// served in the order in which they came.
///
/// ``map(_:_:)`` calls a function for each element of a sequence and returns the results. A ``GreenPile`` collects the
/// results of functions that are spawned one by one.
///
/// If a thread of a full pool spawns into the same pool, the function is called in place, so that a pool never waits
/// for itself.
///
/// The threads of a pool keep running when the last reference to it is released. A pool belongs to the OS thread that
/// first uses it, so it is not `Sendable`.
@safe
public final class GreenPool {
    /// Owned.
    @safe let handle: OpaquePointer

    let stackSize: Int?

    /// Creates an empty pool.
    ///
    /// - Parameters:
    ///   - size: How many threads of the pool may run at the same time. With 0, a spawn waits until the pool is
    ///     resized. A negative size ends the process.
    ///   - stackSize: Bytes of address space for the stack of each thread, at least 64 KiB; nil means the hub's default
    ///     of 1 MiB.
    public init(size: Int = 1000, stackSize: Int? = nil) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_pool_make(&handle, Int64(size)))
        unsafe self.handle = handle!
        self.stackSize = stackSize
    }

    deinit {
        unsafe green_pool_free(handle)
    }

    /// Waits until no thread of the pool runs and no spawn waits for room. Returns at once if that is so.
    ///
    /// The results of the threads do not matter.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: ``DeadlockError`` if the caller is a thread of the pool. A ``SystemError`` with the code `timedOut` if
    ///   the timeout expires. If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitAll(timeout: Duration? = nil) throws {
        try check(unsafe green_pool_wait(handle, timeout.timeout))
    }

    /// Kills all threads of the pool, except the caller: the blocking call that each is in, or its next one, throws
    /// ``GreenExit``. The functions of those that have not begun never run.
    ///
    /// Spawns that wait for room then start their threads, which are not killed. The pool can be used as before.
    ///
    /// - Parameter waitingForEnd: Whether to block until these threads have ended. If false, the call does not block.
    /// - Throws: With `waitingForEnd`, the error that interrupts the wait; the threads are killed nevertheless.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func killAll(waitingForEnd: Bool = true) throws {
        if waitingForEnd {
            try check(unsafe green_pool_kill_all_and_wait(handle, GREEN_FOREVER))
        } else {
            checkOrTrap(unsafe green_pool_kill_all(handle))
        }
    }

    /// Changes the size. Does not block.
    ///
    /// If the pool grows, waiting spawns proceed. If it shrinks, running threads keep running, and no thread starts
    /// until fewer than `size` run.
    ///
    /// - Parameter size: The new size. A negative size ends the process, as does a call on another OS thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func resize(to size: Int) {
        checkOrTrap(unsafe green_pool_resize(handle, Int64(size)))
    }

    /// How many threads of the pool may run at the same time.
    public var size: Int {
        Int(unsafe green_pool_size(handle))
    }

    /// The number of threads of the pool that have started and not ended.
    public var runningCount: Int {
        unsafe green_pool_running(handle)
    }

    /// How many more threads can start without blocking. Negative if the pool was shrunk below the number of running
    /// threads.
    public var availableCount: Int {
        Int(unsafe green_pool_available(handle))
    }

    /// The number of threads that wait for room in the pool.
    public var waitingCount: Int {
        unsafe green_pool_waiting(handle)
    }
}

@available(*, unavailable)
extension GreenPool: Sendable {}
