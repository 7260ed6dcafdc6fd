internal import CGreen

/// A set of green threads that yields each thread when it finishes, in the order they finish.
///
/// ```swift
/// let group = GreenGroup(hosts.map { host in spawn { try fetch(host) } })
/// while let thread = try group.next() {
///     print(try thread.wait().count)
/// }
/// ```
///
/// A group only waits: its threads continue to run when the group is released. Call ``GreenThread/wait(timeout:)`` of
/// the returned thread for its result; this does not block, since the thread has finished. An error that no call
/// returns is reported, as for every thread.
///
/// Threads may be added at any time, and any number of threads may call ``next(timeout:)``. To limit how many threads
/// run at the same time, use a ``GreenPool``.
///
/// A group belongs to the OS thread of its green threads, so it is not `Sendable`.
@safe
public final class GreenGroup<Success> {
    /// Owned. Keeps the order and the waiting threads.
    @safe private let handle: OpaquePointer

    /// The threads in the core's group. The core retains the C handles; this retains the states.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    private(set) var members: Set<GreenThread<Success>> = []

    /// Threads that could not be started. They have no C handle, so they cannot be in the core's group.
    @safe @exclusivity(unchecked)
    private(set) var unspawned: [GreenThread<Success>] = []

    /// Makes an empty group.
    public init() {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_group_make(&handle))
        unsafe self.handle = handle!
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

    deinit {
        unsafe green_group_free(handle)
    }

    /// Adds a thread. If the thread has finished already, it counts as finishing now. Does nothing if the thread is in
    /// the group.
    ///
    /// Does not block. Adding a thread of another OS thread ends the process.
    ///
    /// - Parameter thread: The thread to add.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func add(_ thread: GreenThread<Success>) {
        guard let member = thread.state.handle else { return unspawned.append(thread) }
        guard !members.contains(thread) else { return }
        checkOrTrap(unsafe green_group_add(handle, member))
        members.insert(thread)
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
    public func next(timeout: Duration? = nil) throws -> GreenThread<Success>? {
        var finished: OpaquePointer?
        if unspawned.isEmpty {
            try check(unsafe green_group_next(handle, &finished, timeout.timeout))
        } else {
            try checkInterrupt()
        }
        guard let member = unsafe finished else {
            return unspawned.isEmpty ? nil : unspawned.removeFirst()
        }
        defer { unsafe green_thread_release(member) }
        return unsafe members.remove(GreenThread(ThreadState.known(for: member)!))
    }

    /// The number of threads in the group, running or finished.
    public var count: Int {
        unsafe green_group_count(handle) + unspawned.count
    }

    /// The number of threads that have finished: ``next(timeout:)`` returns that many without blocking.
    public var finishedCount: Int {
        unsafe green_group_finished(handle) + unspawned.count
    }
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
