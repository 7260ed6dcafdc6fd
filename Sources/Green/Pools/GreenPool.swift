internal import CGreen

/// Green threads of which no more than so many run at one time.
///
/// ```swift
/// let pool = GreenPool(size: 100)
/// for host in hosts {
///     try pool.detach { try greet(host) }
/// }
/// try pool.waitAll()
/// ```
///
/// While the pool is full, spawning into it blocks until one of its threads ends: whoever spawns cannot run ahead of the
/// work. Those who wait for room get it in the order they came.
///
/// ``map(_:_:)`` runs a function for each element of a sequence and hands out the results, a ``GreenPile`` collects the
/// results of what is spawned by hand.
///
/// A thread of the pool that spawns into it while it is full calls the function in place, so that a pool never waits for
/// itself.
///
/// Its threads go on when the last reference to a pool is gone. A pool belongs to the OS thread that first uses it; so
/// it is not `Sendable`.
@safe
public final class GreenPool {
    /// Owned.
    @safe let handle: OpaquePointer

    let stackSize: Int?

    /// Makes an empty pool.
    ///
    /// - Parameters:
    ///   - size: How many of its threads may run at one time. With 0 a spawn waits until the pool is resized. A negative
    ///     size is a mistake that ends the process.
    ///   - stackSize: Bytes of address space for the stack of each of its threads, at least 64 KiB; nil is the hub's
    ///     default of 1 MiB.
    public init(size: Int = 1000, stackSize: Int? = nil) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_pool_make(&handle, Int64(size)))
        unsafe self.handle = handle!
        self.stackSize = stackSize
    }

    deinit {
        unsafe green_pool_free(handle)
    }

    /// Waits until no thread of the pool runs and none waits for room in it. Does not block when that is so.
    ///
    /// How the threads end does not matter. Not for one of the pool's own threads, which would wait for itself.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Throws: ``DeadlockError`` when the caller is a thread of the pool. A ``SystemError`` with the code `timedOut`
    ///   after the timeout. When the caller is killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
    public func waitAll(timeout: Duration? = nil) throws {
        try check(unsafe green_pool_wait(handle, timeout.timeout))
    }

    /// Changes the size. Does not block.
    ///
    /// A larger size lets those who wait for room go on. Above a smaller one the running threads go on, and none starts
    /// until there are fewer.
    ///
    /// - Parameter size: The new size. A negative one is a mistake that ends the process, and so is a call on another OS
    ///   thread.
    @available(*, noasync)
    public func resize(to size: Int) {
        checkOrTrap(unsafe green_pool_resize(handle, Int64(size)))
    }

    /// How many threads of the pool may run at one time.
    public var size: Int {
        Int(unsafe green_pool_size(handle))
    }

    /// How many threads of the pool have been started and have not ended.
    public var runningCount: Int {
        unsafe green_pool_running(handle)
    }

    /// How many more threads can be started without blocking. Negative when the pool was made smaller than what runs.
    public var availableCount: Int {
        Int(unsafe green_pool_available(handle))
    }

    /// How many threads wait for room in the pool.
    public var waitingCount: Int {
        unsafe green_pool_waiting(handle)
    }
}

@available(*, unavailable)
extension GreenPool: Sendable {}
