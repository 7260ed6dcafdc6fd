/// A semaphore with a limit at either end: acquiring waits while there is no permit, releasing while there are as many
/// as the limit allows.
///
/// Those who wait to release are served first come, first served too. Otherwise as ``Semaphore``.
///
/// A semaphore belongs to the OS thread that first uses it; so it is not `Sendable`.
public final class CappedSemaphore {
    private let handle: SemaphoreHandle

    /// How many permits there can be.
    public let limit: Int

    /// Makes a semaphore.
    ///
    /// - Parameters:
    ///   - permits: How many permits there are at first. A negative number, or one above the limit, is a mistake that
    ///     ends the process.
    ///   - limit: How many there can be.
    public init(permits: Int, limit: Int) {
        handle = SemaphoreHandle(permits: permits, limit: limit, kind: "CappedSemaphore")
        self.limit = limit
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

    /// Gives a permit back. Blocks while there are as many as the limit allows.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. When the caller is killed or its
    ///   ``Timeout`` fires meanwhile, that error. The permit is then not given back.
    @available(*, noasync)
    public func release(timeout: Duration? = nil) throws {
        try handle.release(timeout: timeout)
    }

    /// Gives a permit back if the limit allows it now. Does not block.
    ///
    /// A call on another OS thread is a mistake that ends the process.
    ///
    /// - Returns: Whether it was given back.
    @available(*, noasync)
    public func tryRelease() -> Bool {
        handle.tryRelease()
    }

    /// Acquires a permit, runs the body, and releases the permit however the body ends.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait for the permit at most; nil is for as long as it takes.
    ///   - body: What to run. It may block.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or as ``acquire(timeout:)``; then the body did not run. As ``release(timeout:)``
    ///   when others have filled the semaphore meanwhile, which makes the release wait.
    @available(*, noasync)
    public func withPermit<Result>(timeout: Duration? = nil, _ body: () throws -> Result) throws -> Result {
        try handle.withPermit(timeout: timeout, body) {
            // An interrupt that is pending by now must not keep the permit, so the release is not to begin by blocking.
            if !tryRelease() {
                try release()
            }
        }
    }

    /// How many permits can be taken now.
    public var permits: Int { handle.permits }

    /// How many threads wait for a permit.
    public var waiting: Int { handle.acquiring }

    /// How many threads wait to give one back.
    public var releasing: Int { handle.releasing }

    /// Whether an acquire would have to wait.
    public var isLocked: Bool { permits == 0 }

    /// Whether a release would have to wait.
    public var isBounded: Bool { permits == limit }

    /// The permits that can be taken or are about to be released; where threads wait for some, their number, negative.
    public var balance: Int { permits + releasing - waiting }
}

@available(*, unavailable)
extension CappedSemaphore: Sendable {}
