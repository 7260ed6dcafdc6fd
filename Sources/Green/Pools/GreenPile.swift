/// A pile of green threads, whose results are taken in the order in which the threads were spawned.
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
/// The threads run in a ``GreenPool``, which may be shared. Unlike a ``GreenMap``, a pile accepts any number of
/// functions before the first result is taken.
///
/// An error that ends a thread takes the place of its result, and the next call continues with the next thread. A call
/// that times out, is interrupted or throws a ``DeadlockError`` loses no result; the next call returns it.
/// ``next(timeout:)`` throws both kinds of errors; ``nextResult(timeout:)`` separates them.
///
/// Several threads may spawn into a pile, and several may take results; they are served in the order in which they
/// came. A spawn that waits for room counts as an item, so the pile is not empty meanwhile.
///
/// When the last reference is released, the threads keep running. An error that no call returned is reported, as for
/// every thread.
///
/// A pile belongs to the OS thread of its pool, so it is not `Sendable`.
public final class GreenPile<Success> {
    private let pool: GreenPool
    private let work: PileWork

    /// Creates an empty pile with a pool of its own.
    ///
    /// - Parameter size: How many threads of the pile may run at the same time. A negative size ends the process.
    public convenience init(size: Int = 1000) {
        self.init(GreenPool(size: size))
    }

    /// Creates an empty pile whose threads run in a pool. Any number of piles may share a pool.
    ///
    /// - Parameter pool: The pool.
    public init(_ pool: GreenPool) {
        self.pool = pool
        work = PileWork(pool)
    }

    deinit {
        work.free(abandoningThreads: false)
    }

    /// Starts a function in a green thread of the pool and adds the thread to the pile. Blocks while the pool is full.
    ///
    /// If the caller is a thread of a full pool, the function is called in place; see
    /// ``GreenPool/spawn(name:timeout:_:)``.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; cut to 31 bytes.
    ///   - timeout: The maximum time to wait for room; zero does not block, nil means no limit.
    ///   - function: The function to run.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the pool stays full until the timeout expires. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error. The function was not called then and is
    ///   not in the pile. If it was called in place, the error is its result as well.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func spawn(
        name: String? = nil,
        timeout: Duration? = nil,
        _ function: consuming @escaping () throws -> Success
    ) throws {
        try start(ThreadState(function), name: name, timeout: timeout)
    }

    @usableFromInline
    func start(_ state: ThreadState, name: String?, timeout: Duration?) throws {
        try work.spawn(state, in: pool, name: name, timeout: timeout)
    }

    @usableFromInline
    func nextState(timeout: Duration?) throws -> ThreadState? {
        try work.next(timeout: timeout)
    }

    /// Returns the next result and removes it from the pile. Blocks until it is available.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: What the function returned, or nil if the pile is empty.
    /// - Throws: What the function threw, or the errors of ``nextResult(timeout:)`` if the wait fails.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Success? {
        guard let state = try nextState(timeout: timeout) else { return nil }
        return try state.outcome(Success.self).get()
    }

    /// Returns the next result, and separates errors of the function from errors of the wait.
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
    /// Blocks until the result is available.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: What the function returned or threw, or nil if the pile is empty.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. ``DeadlockError`` if the caller
    ///   would wait for itself. If the caller is killed or its ``Timeout`` fires while it waits, that error. No result
    ///   is lost in any of these cases.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func nextResult(timeout: Duration? = nil) throws -> Result<Success, any Error>? {
        try nextState(timeout: timeout)?.outcome(Success.self)
    }

    /// Kills all threads of the pile, except the caller: the blocking call that each is in, or its next one, throws
    /// ``GreenExit``. The functions of those that have not begun never run.
    ///
    /// Each error takes the place of its result. Other threads of the pool continue to run.
    ///
    /// - Parameter waitingForEnd: Whether to block until these threads have ended. If false, the call does not block.
    /// - Throws: With `waitingForEnd`, the error that interrupts the wait; the threads are killed nevertheless.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func killAll(waitingForEnd: Bool = true) throws {
        try work.killAll(waitingForEnd: waitingForEnd)
    }

    /// The number of functions in the pile: those that wait for room, those that run, and those whose results were not
    /// taken.
    public var count: Int { work.count }
}

@available(*, unavailable)
extension GreenPile: Sendable {}

extension GreenPile: Sequence {
    /// Iterates over the results until the pile is empty, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for page in pile {
    ///     print(try page.get().count)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. The loop continues after an error of a function. An
    /// interrupt of the caller is the last element of the loop. No result is lost, and another iterator continues
    /// there.
    @inlinable
    public func makeIterator() -> ResultIterator<Success> {
        ResultIterator { try self.nextResult() }
    }
}
