internal import CGreen

/// Green threads that are handed out one by one, in the order they finish.
///
/// ```swift
/// let group = GreenGroup(hosts.map { host in spawn { try fetch(host) } })
/// while let thread = try group.next() {
///     print(try thread.wait().count)
/// }
/// ```
///
/// A group only waits: its threads are ordinary ones, which go on when it is gone. How a thread has ended is what its
/// ``GreenThread/wait(timeout:)`` tells, which does not block once the group has handed it out. An error that nobody
/// waited for is reported as ever.
///
/// Threads may be added at any time, and any number of threads may take. For a limit on how many run at once, use a
/// pool.
///
/// A group belongs to the OS thread of its green threads; so it is not `Sendable`.
@safe
public final class GreenGroup<Success> {
    /// Owned. It knows the order, and who waits.
    @safe private let handle: OpaquePointer

    /// The threads that the core's group has. It keeps its side of them, this keeps ours.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    private(set) var members: Set<GreenThread<Success>> = []

    /// Threads that could not be started, which have ended before they could be the core's.
    @safe @exclusivity(unchecked)
    private(set) var stillborn: [GreenThread<Success>] = []

    /// Makes an empty group.
    public init() {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_group_make(&handle))
        unsafe self.handle = handle!
    }

    /// Makes a group of threads.
    ///
    /// - Parameter threads: The first threads to add.
    @available(*, noasync)
    public convenience init(_ threads: some Sequence<GreenThread<Success>>) {
        self.init()
        for thread in threads {
            add(thread)
        }
    }

    deinit {
        unsafe green_group_free(handle)
    }

    /// Adds a thread. One that has finished already counts as finishing now; one that is in the group already is not
    /// added again.
    ///
    /// Does not block. A thread of another OS thread is a mistake that ends the process.
    ///
    /// - Parameter thread: The thread.
    @available(*, noasync)
    public func add(_ thread: GreenThread<Success>) {
        guard let member = thread.state.handle else { return stillborn.append(thread) }
        guard !members.contains(thread) else { return }
        checkOrTrap(unsafe green_group_add(handle, member))
        members.insert(thread)
    }

    /// Takes the thread that finishes next out of the group, or the first of those that have finished. Blocks while
    /// none has.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: The thread; nil when the group is empty.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout; nothing is lost. ``DeadlockError`` when
    ///   the caller is the only thread in it. When the caller is killed or its ``Timeout`` fires meanwhile, that
    ///   error.
    @available(*, noasync)
    public func next(timeout: Duration? = nil) throws -> GreenThread<Success>? {
        var finished: OpaquePointer?
        if stillborn.isEmpty {
            try check(unsafe green_group_next(handle, &finished, timeout.timeout))
        } else {
            try checkInterrupt()
        }
        guard let member = unsafe finished else {
            return stillborn.isEmpty ? nil : stillborn.removeFirst()
        }
        defer { unsafe green_thread_release(member) }
        return unsafe members.remove(GreenThread(ThreadState.known(for: member)!))
    }

    /// How many threads are in the group: those that run, and those that have finished and were not taken.
    public var count: Int {
        unsafe green_group_count(handle) + stillborn.count
    }

    /// How many of them have finished. So many can be taken without blocking.
    public var finishedCount: Int {
        unsafe green_group_finished(handle) + stillborn.count
    }
}

@available(*, unavailable)
extension GreenGroup: Sendable {}

extension GreenGroup: Sequence {
    /// Takes the threads in the order they finish, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for thread in group {
    ///     print(try thread.get().wait())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw; so each element is a result. A failure is that of the waiting, such as a kill of the
    /// caller, and the last element. ``GreenGroup/next(timeout:)`` in a `while let` loop does the same with less ado.
    public func makeIterator() -> ResultIterator<GreenThread<Success>> {
        ResultIterator { try self.next().map { .success($0) } }
    }
}
