internal import CGreen
internal import SystemPackage

/// What the three kinds of semaphores have in common: a number of permits that green threads acquire.
///
/// Waiting threads are served first come, first served: a released permit goes to the thread that has waited longest,
/// and no later thread overtakes it. A thread whose wait is interrupted or expires takes no permit. Any thread may
/// release, even one that has not acquired.
///
/// The kinds differ in what a release does at the maximum of permits: ``Semaphore`` has none, ``BoundedSemaphore``
/// throws, ``CappedSemaphore`` blocks.
///
/// A semaphore belongs to the OS thread that first uses it, so it is not `Sendable`.
@safe
public class SemaphoreBase {
    /// Owned.
    @safe final let handle: OpaquePointer

    /// - Parameters:
    ///   - permits: How many there are at first.
    ///   - limit: How many there can be; nil is any number.
    ///   - kind: The class, for the messages.
    init(permits: Int, limit: Int?, kind: StaticString) {
        guard permits >= 0 else {
            fatalError("a \(kind) cannot begin with \(permits) permits; give it 0 or more")
        }
        if let limit, permits > limit {
            fatalError("a \(kind) cannot begin with \(permits) permits when its limit is \(limit); raise the limit")
        }
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_semaphore_make(&handle, Int64(permits), limit.map(Int64.init) ?? -1))
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_semaphore_free(handle)
    }

    /// Releases the permit of ``withPermit(timeout:_:)``, by the rule of the kind.
    func releasePermit() throws {
        fatalError("each kind of semaphore has its own release")
    }
}

@available(*, unavailable)
extension SemaphoreBase: Sendable {}

extension SemaphoreBase {
    /// Acquires a permit. Blocks while there is none.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: A ``SystemError`` with the code `timedOut` if there was no permit within the timeout. If the caller is
    ///   killed or its ``Timeout`` fires while it waits, that error. In each case the caller holds no permit.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public final func acquire(timeout: Duration? = nil) throws {
        try check(unsafe green_semaphore_acquire(handle, timeout.timeout))
    }

    /// Acquires a permit if there is one now. Does not block.
    ///
    /// A call on another OS thread ends the process.
    ///
    /// - Returns: Whether the caller now holds a permit.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public final func tryAcquire() -> Bool {
        checkOrTrap(unsafe green_semaphore_try_acquire(handle)) > 0
    }

    /// Acquires a permit, runs the body, and releases the permit however the body ends.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for the permit; zero does not block, nil means no limit.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body. If the permit cannot be acquired, the errors of ``acquire(timeout:)``; the body
    ///   did not run then. If the body succeeds and the permit cannot be released, because other threads have released
    ///   too many, the errors of the kind's `release`.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public final func withPermit<Result>(timeout: Duration? = nil, _ body: () throws -> Result) throws -> Result {
        try acquire(timeout: timeout)
        let result: Result
        do {
            result = try body()
        } catch {
            // When both the body and the release fail, the body's error is the cause.
            try? releasePermit()
            throw error
        }
        try releasePermit()
        return result
    }

    /// The number of permits that can be acquired now.
    public final var permits: Int {
        Int(unsafe green_semaphore_permits(handle))
    }

    /// The number of threads that wait for a permit.
    public final var waitingCount: Int {
        unsafe green_semaphore_acquiring(handle)
    }

    /// Whether an acquire would block.
    public final var isLocked: Bool { permits == 0 }

    /// The number of permits that can be acquired or that a blocked release is about to add; minus the number of threads
    /// that wait for a permit.
    public final var balance: Int {
        unsafe permits + green_semaphore_releasing(handle) - waitingCount
    }

    /// Releases a permit unless there are as many as there can be.
    final func releaseIfPossible() -> Bool {
        let result = unsafe green_semaphore_release(handle)
        return Errno(rawValue: -result) == .overflow ? false : checkOrTrap(result) == 0
    }
}
