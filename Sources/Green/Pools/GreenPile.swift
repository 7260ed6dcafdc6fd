/// The results of several green threads, in the order they were spawned.
///
/// ```swift
/// let pile = GreenPile<Page>(size: 10)
/// for host in hosts {
///     try pile.spawn { try fetch(host) }
/// }
/// while let page = try pile.next() {
///     print(page.count)
/// }
/// ```
///
/// Its threads run in a ``GreenPool``, of its own or one that others use as well. Unlike a ``GreenMap`` it takes any
/// number of functions before the first result is asked for.
///
/// An error that ended a thread comes in place of its result, and the next call goes on behind it. What interrupts the
/// caller, a timeout, a kill or a ``DeadlockError``, takes nothing: the result comes the next time.
/// ``next(timeout:)`` throws both; ``nextResult(timeout:)`` tells them apart.
///
/// Several threads may spawn, and several may ask, who are served in the order they came. A spawn that waits for room
/// counts already, so that the one who asks does not take the pile for empty.
///
/// When the last reference is gone, the threads go on, and an error that nobody was given is reported as ever.
///
/// It belongs to the OS thread of its pool; so it is not `Sendable`.
public final class GreenPile<Success> {
    @usableFromInline
    let work: PileWork

    /// Makes an empty pile with a pool of its own.
    ///
    /// - Parameter size: How many of its threads may run at one time. A negative size is a mistake that ends the process.
    public convenience init(size: Int = 1000) {
        self.init(GreenPool(size: size))
    }

    /// Makes an empty pile whose threads run in a pool. Any number of piles may share one.
    ///
    /// - Parameter pool: The pool.
    public init(_ pool: GreenPool) {
        work = PileWork(pool)
    }

    /// Starts a function in a green thread and piles it up. Blocks while the pool is full.
    ///
    /// See ``GreenPool/spawn(name:timeout:_:)`` for a full pool in one of its own threads.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - timeout: How long to wait for room at most; zero asks without blocking, nil waits for as long as it takes.
    ///   - function: What to run.
    /// - Throws: A ``SystemError`` with the code `timedOut` when there was no room within the timeout. When the caller is
    ///   killed or its ``Timeout`` fires meanwhile, that error. The function was not called then and is not in the pile,
    ///   unless it was called in place: then the error is its result as well.
    @available(*, noasync)
    @inlinable
    public func spawn(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: @escaping () throws -> Success
    ) throws {
        try work.spawn(ThreadState(function), name: name, timeout: timeout)
    }

    /// Takes the next result. Blocks until there is one.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: What the function returned; nil when the pile is empty.
    /// - Throws: What the function threw. As ``nextResult(timeout:)``, when the result could not be waited for.
    @available(*, noasync)
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Success? {
        guard let state = try work.next(timeout: timeout) else { return nil }
        return try state.outcome(Success.self).get()
    }

    /// Takes the next result, and tells an error of the function from a failure to wait for it.
    ///
    /// ```swift
    /// while let page = try pile.nextResult() {
    ///     do {
    ///         print(try page.get().count)
    ///     } catch {
    ///         print("one is missing: \(error)")
    ///     }
    /// }
    /// ```
    ///
    /// Blocks until there is one.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: What the function returned or threw; nil when the pile is empty.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. ``DeadlockError`` when the caller is what
    ///   it would wait for. When the caller is killed or its ``Timeout`` fires meanwhile, that error. In each case
    ///   nothing is lost, and the next call goes on where this one began.
    @available(*, noasync)
    @inlinable
    public func nextResult(timeout: Duration? = nil) throws -> Result<Success, any Error>? {
        try work.next(timeout: timeout)?.outcome(Success.self)
    }

    /// How many functions are in the pile: those that run, those that have ended and were not taken, and those that wait
    /// for room.
    public var count: Int { work.count }
}

@available(*, unavailable)
extension GreenPile: Sendable {}

extension GreenPile: Sequence {
    /// Takes the results until the pile is empty, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for page in pile {
    ///     print(try page.get().count)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw; so each element is a result. Behind an error of a function the loop goes on. What
    /// interrupts the caller is the loop's last element; no result is lost with it, and another iterator goes on there.
    @inlinable
    public func makeIterator() -> ResultIterator<Success> {
        ResultIterator { try self.nextResult() }
    }
}
