internal import CGreen

/// A semaphore with a limit at either end: an acquire blocks while there is no permit, a release blocks while there are
/// as many as the limit allows.
///
/// Threads that wait to release are served first come, first served, too. See ``SemaphoreBase`` for what all semaphores
/// have in common.
public final class CappedSemaphore: SemaphoreBase {
    /// The maximum number of permits.
    public let limit: Int

    /// Makes a semaphore.
    ///
    /// - Parameters:
    ///   - permits: The number of permits at first. A negative number, or one above the limit, ends the process.
    ///   - limit: The maximum number of permits.
    public init(permits: Int, limit: Int) {
        self.limit = limit
        super.init(permits: permits, limit: limit, kind: "CappedSemaphore")
    }

    /// Releases a permit. Blocks while there are as many as the limit allows.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the limit did not allow it within the timeout. If the caller
    ///   is killed or its ``Timeout`` fires while it waits, that error. In each case the permit is not released.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func release(timeout: Duration? = nil) throws {
        try check(unsafe green_semaphore_release_within(handle, timeout.timeout))
    }

    /// Releases a permit if the limit allows it now. Does not block.
    ///
    /// A call on another OS thread ends the process.
    ///
    /// - Returns: Whether the permit was released.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func tryRelease() -> Bool {
        releaseIfPossible()
    }

    override func releasePermit() throws {
        // An interrupt that is pending by now must not keep the permit, so the release is not to begin by blocking.
        if !tryRelease() {
            try release()
        }
    }

    /// The number of threads that wait to release a permit.
    public var releasingCount: Int {
        unsafe green_semaphore_releasing(handle)
    }

    /// Whether a release would block.
    public var isBounded: Bool { permits == limit }
}
