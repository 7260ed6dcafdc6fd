internal import CGreen

/// A semaphore that never has more permits than at first: one release too many is an error.
///
/// It detects a permit that is released twice. See ``SemaphoreBase`` for what all semaphores have in common.
public final class BoundedSemaphore: SemaphoreBase {
    /// Makes a semaphore.
    ///
    /// - Parameter permits: The number of permits, at first and at most. A negative number ends the process.
    public init(permits: Int = 1) {
        super.init(permits: permits, limit: permits, kind: "BoundedSemaphore")
    }

    /// Releases a permit. Does not block.
    ///
    /// - Throws: A ``SystemError`` with the code `overflow` if no permit is held.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func release() throws {
        try check(unsafe green_semaphore_release(handle))
    }

    override func releasePermit() throws {
        try release()
    }
}
