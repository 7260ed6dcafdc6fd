/// A number of permits that green threads acquire and release.
///
/// ```swift
/// let connections = Semaphore(permits: 10)
/// try connections.withPermit {
///     try fetch(host)
/// }
/// ```
///
/// A semaphore with one permit is a lock that may be held across blocking calls. ``BoundedSemaphore`` throws at one
/// release too many, ``CappedSemaphore`` blocks there. See ``SemaphoreBase`` for what they have in common.
public final class Semaphore: SemaphoreBase {
    /// Makes a semaphore.
    ///
    /// - Parameter permits: The number of permits at first. A negative number ends the process.
    public init(permits: Int = 1) {
        super.init(permits: permits, limit: nil, kind: "Semaphore")
    }

    /// Releases a permit, or adds one. Does not block.
    ///
    /// A call on another OS thread ends the process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func release() {
        guard releaseIfPossible() else {
            fatalError("a Semaphore cannot have more permits: release exceeds the maximum of Int64")
        }
    }

    override func releasePermit() {
        release()
    }
}
