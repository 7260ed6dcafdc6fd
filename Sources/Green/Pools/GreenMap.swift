/// The results of a function that a ``GreenPool`` calls for each element of a sequence.
///
/// ```swift
/// let pages = pool.map(hosts) { try fetch($0) }
/// while let page = try pages.next() {
///     print(page.count)
/// }
/// ```
///
/// Asking for a result starts as many elements as the pool has room for, and then waits for the next result; nothing
/// runs ahead of who asks by more than the size of the pool. Each result is handed out once: copies are the same map, and
/// so are its iterators. Several threads may ask; they are served in the order they came.
///
/// An error that the function threw for an element comes in place of that element's result, and the next call goes on
/// behind it. What interrupts the caller, a timeout, a kill or a ``DeadlockError``, takes nothing: the result comes the
/// next time. ``next(timeout:)`` throws both; ``nextResult(timeout:)`` tells them apart.
///
/// When the last copy is gone, the threads that are left are killed, those that have not begun never will, and what they
/// end with is dropped without a word.
///
/// It belongs to the OS thread of its pool; so it is not `Sendable`.
public struct GreenMap<Output> {
    @usableFromInline
    let work: MapWork

    @inlinable
    init(_ work: MapWork) {
        self.work = work
    }

    /// Takes the next result. Blocks until there is one.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: What the function returned; nil when no more will come.
    /// - Throws: What the function threw for the element, or `pull` for the input. As ``nextResult(timeout:)``, when
    ///   the result could not be waited for.
    @available(*, noasync)
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Output? {
        guard let state = try work.next(timeout: timeout) else { return nil }
        return try state.outcome(Output.self).get()
    }

    /// Takes the next result, and tells an error of the function from a failure to wait for it.
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
    /// Blocks until there is one.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: What the function returned or threw for the element, or what `pull` threw; nil when no more will come.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. ``DeadlockError`` when the caller is what
    ///   it would wait for. When the caller is killed or its ``Timeout`` fires meanwhile, that error. In each case
    ///   nothing is lost, and the next call goes on where this one began.
    @available(*, noasync)
    @inlinable
    public func nextResult(timeout: Duration? = nil) throws -> Result<Output, any Error>? {
        try work.next(timeout: timeout)?.outcome(Output.self)
    }
}

@available(*, unavailable)
extension GreenMap: Sendable {}

extension GreenMap: Sequence {
    /// Takes the results for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for page in pool.map(hosts, fetch) {
    ///     print(try page.get().count)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw; so each element is a result. Behind an error of the function the loop goes on. What
    /// interrupts the caller is the loop's last element; no result is lost with it, and another iterator goes on there.
    @inlinable
    public func makeIterator() -> ResultIterator<Output> {
        ResultIterator { try nextResult() }
    }
}
