/// The results of a function that a ``GreenPool`` calls for each element of a sequence.
///
/// ```swift
/// let pages = pool.map(hosts) { try fetch($0) }
/// while let page = try pages.next() {
///     print(page.count)
/// }
/// ```
///
/// A request for a result starts as many elements as the pool has room for, then waits for the next result. A map has
/// no thread of its own: at most as many elements as the size of the pool run ahead of the requests. Each result is
/// returned once; copies of a map and its iterators share the results. Several threads may request results; they are
/// served in the order in which they came.
///
/// An error that the function throws for an element takes the place of its result, and the next request continues with
/// the next element. A request that times out, is interrupted or throws a ``DeadlockError`` loses no result; the next
/// request returns it. ``next(timeout:)`` throws both kinds of errors; ``nextResult(timeout:)`` separates them.
///
/// When the last copy is released, the remaining threads are killed, and their results are dropped. Threads that have
/// not begun never run. Nothing is reported.
///
/// A map belongs to the OS thread of its pool, so it is not `Sendable`.
public struct GreenMap<Output> {
    @usableFromInline
    let work: MapWork

    @inlinable
    init(_ work: MapWork) {
        self.work = work
    }

    /// Returns the next result. Blocks until it is available.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: What the function returned, or nil at the end of the input.
    /// - Throws: What the function threw for the element, or what `pull` threw. The errors of
    ///   ``nextResult(timeout:)`` if the wait fails.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Output? {
        guard let state = try work.next(timeout: timeout) else { return nil }
        return try state.outcome(Output.self).get()
    }

    /// Returns the next result, and separates errors of the function from errors of the wait.
    ///
    /// ```swift
    /// while let page = try pages.nextResult() {
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
    /// - Returns: What the function returned or threw for the element, or what `pull` threw; nil at the end of the
    ///   input.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. ``DeadlockError`` if the caller
    ///   would wait for itself. If the caller is killed or its ``Timeout`` fires while it waits, that error. No result
    ///   is lost in any of these cases.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func nextResult(timeout: Duration? = nil) throws -> Result<Output, any Error>? {
        try work.next(timeout: timeout)?.outcome(Output.self)
    }

    /// Kills all threads of the map, except the caller: the blocking call that each is in, or its next one, throws
    /// ``GreenExit``. The functions of those that have not begun never run.
    ///
    /// The input ends: no element that has not been started ever is. Each error takes the place of its result.
    ///
    /// - Parameter waitingForEnd: Whether to block until these threads have ended. If false, the call does not block.
    /// - Throws: With `waitingForEnd`, the error that interrupts the wait; the threads are killed nevertheless.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func killAll(waitingForEnd: Bool = true) throws {
        try work.killAll(waitingForEnd: waitingForEnd)
    }
}

@available(*, unavailable)
extension GreenMap: Sendable {}

extension GreenMap: Sequence {
    /// Iterates over the results, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for page in pool.map(hosts, fetch) {
    ///     print(try page.get().count)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. The loop continues after an error of the function. An
    /// interrupt of the caller is the last element of the loop. No result is lost, and another iterator continues
    /// there.
    @inlinable
    public func makeIterator() -> ResultIterator<Output> {
        ResultIterator { try nextResult() }
    }
}
