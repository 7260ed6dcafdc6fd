/// A set of green threads that yields each thread when it finishes, in the order they finish.
///
/// ```swift
/// let group = GreenGroup(hosts.map { host in spawn { try fetch(host) } })
/// while let thread = try group.next() {
///     print(try thread.wait().count)
/// }
/// ```
///
/// The group of a ``withGreenGroup(of:collectingErrors:_:)`` owns its threads: none of them outlives it. Any other group
/// only waits: its threads continue to run when the group is released.
///
/// Call ``GreenThread/wait(timeout:)`` of
/// the returned thread for its result; this does not block, since the thread has finished. An error that no call
/// returns is reported, as for every thread.
///
/// Threads may be added at any time, and any number of threads may call ``next(timeout:)``. To limit how many threads
/// run at the same time, use a ``GreenPool``.
///
/// A group belongs to the OS thread of its green threads, so it is not `Sendable`.
public final class GreenGroup<Success> {
    @usableFromInline
    let work: GroupWork

    /// Makes an empty group.
    public init() {
        work = GroupWork(abandoningThreads: false)
    }

    /// The group of a ``withGreenGroup(of:collectingErrors:_:)``.
    @usableFromInline
    init(_ work: GroupWork) {
        self.work = work
    }

    /// Makes a group of threads.
    ///
    /// - Parameter threads: The first threads to add.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(_ threads: some Sequence<GreenThread<Success>>) {
        self.init()
        for thread in threads {
            add(thread)
        }
    }

    /// Adds a thread. If the thread has finished already, it counts as finishing now. Does nothing if the thread is in
    /// the group.
    ///
    /// Does not block. Adding a thread of another OS thread ends the process.
    ///
    /// - Parameter thread: The thread to add.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func add(_ thread: GreenThread<Success>) {
        work.add(thread.state)
    }

    /// Starts a function in a new green thread of the group. This is cheaper than ``add(_:)`` of a spawned thread.
    ///
    /// ```swift
    /// let group = GreenGroup<Page>()
    /// for host in hosts {
    ///     group.spawn { try fetch(host) }
    /// }
    /// ```
    ///
    /// The thread is like one of ``GreenThread/spawn(name:stackSize:after:_:)``. If it cannot be started because there
    /// is no memory for its stack, it has ended with that error, and ``next(timeout:)`` returns it.
    ///
    /// In a ``withGreenGroup(of:collectingErrors:_:)`` that is ending because of an error, the function never runs. After
    /// its end, a call ends the process, as does one on another OS thread than that of the group.
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - delay: The time until the thread becomes ready; nil means at once.
    ///   - function: The function to run.
    /// - Returns: The handle of the thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public func spawn(
        name: String? = nil,
        stackSize: Int? = nil,
        after delay: Duration? = nil,
        _ function: consuming @escaping () throws -> Success
    ) -> GreenThread<Success> {
        let state = ThreadState(function)
        work.start(state, name: name, stackSize: stackSize, delay: delay)
        return GreenThread(state)
    }

    /// Removes and returns the thread that finishes next, or the first of those that have finished. Blocks until one
    /// has.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The thread, or nil if the group is empty.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires; the group keeps its threads.
    ///   ``DeadlockError`` if the caller is the only thread in the group. If the caller is killed or its ``Timeout``
    ///   fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func next(timeout: Duration? = nil) throws -> GreenThread<Success>? {
        try work.next(timeout: timeout).map { GreenThread($0) }
    }

    /// The number of threads in the group, running or finished.
    public var count: Int { work.count }

    /// The number of threads that have finished: ``next(timeout:)`` returns that many without blocking.
    public var finishedCount: Int { work.finishedCount }
}

@available(*, unavailable)
extension GreenGroup: Sendable {}

extension GreenGroup: Sequence {
    /// Iterates over the threads in the order they finish, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for thread in group {
    ///     print(try thread.get().wait())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. A failure is an error of the wait, such as a kill of
    /// the caller, and the last element. A `while let` loop with ``GreenGroup/next(timeout:)`` is simpler.
    public func makeIterator() -> ResultIterator<GreenThread<Success>> {
        ResultIterator { try self.next().map { .success($0) } }
    }
}
