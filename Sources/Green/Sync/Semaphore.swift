/// A number of permits that green threads take and give back.
///
/// ```swift
/// let connections = Semaphore(permits: 10)
/// try connections.withPermit {
///     try fetch(host)
/// }
/// ```
///
/// First come, first served: a permit that is released goes straight to the thread that has waited longest, and a
/// newcomer queues behind those who wait. A waiter that is killed or runs out of time takes none. Any thread may
/// release, also one that never acquired.
///
/// A semaphore with one permit is a lock that may be held across blocking calls. ``BoundedSemaphore`` refuses one
/// release too many, ``CappedSemaphore`` makes it wait.
///
/// A semaphore belongs to the OS thread that first uses it; so it is not `Sendable`.
public final class Semaphore {
    private let handle: SemaphoreHandle

    /// Makes a semaphore.
    ///
    /// - Parameter permits: How many permits there are at first. A negative number is a mistake that ends the process.
    public init(permits: Int = 1) {
        handle = SemaphoreHandle(permits: permits, limit: nil, kind: "Semaphore")
    }

    /// Takes a permit. Blocks while there is none.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. When the caller is killed or its
    ///   ``Timeout`` fires meanwhile, that error. It then holds no permit.
    @available(*, noasync)
    public func acquire(timeout: Duration? = nil) throws {
        try handle.acquire(timeout: timeout)
    }

    /// Takes a permit if there is one now. Does not block.
    ///
    /// A call on another OS thread is a mistake that ends the process.
    ///
    /// - Returns: Whether it was taken.
    @available(*, noasync)
    public func tryAcquire() -> Bool {
        handle.tryAcquire()
    }

    /// Gives a permit back, or adds one. Does not block.
    ///
    /// A call on another OS thread is a mistake that ends the process.
    @available(*, noasync)
    public func release() {
        guard handle.tryRelease() else { fatalError("a Semaphore has as many permits as it can count") }
    }

    /// Acquires a permit, runs the body, and releases the permit however the body ends.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait for the permit at most; nil is for as long as it takes.
    ///   - body: What to run. It may block.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or as ``acquire(timeout:)``; then the body did not run.
    @available(*, noasync)
    public func withPermit<Result>(timeout: Duration? = nil, _ body: () throws -> Result) throws -> Result {
        try handle.withPermit(timeout: timeout, body, release: release)
    }

    /// How many permits can be taken now.
    public var permits: Int { handle.permits }

    /// How many threads wait for a permit.
    public var waiting: Int { handle.acquiring }

    /// Whether an acquire would have to wait.
    public var isLocked: Bool { permits == 0 }

    /// The permits that can be taken; where threads wait for some, their number, negative.
    public var balance: Int { permits - waiting }
}

@available(*, unavailable)
extension Semaphore: Sendable {}
