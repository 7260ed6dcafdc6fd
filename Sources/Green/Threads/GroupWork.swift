internal import CGreen
internal import Synchronization

/// The core's group of a ``GreenGroup`` or a ``GreenMap``. It does not depend on the type of the results, which stay in
/// the states of their threads: a generic class would look up types at run time in each call.
@usableFromInline
@safe
final class GroupWork {
    /// Owned. Keeps the order and the waiting threads. The context of each thread is its retained `ThreadState`.
    @safe private let handle: OpaquePointer

    /// The mark of the threads whose first group this is. Unlike an address it is never used again.
    private let number = lastNumber.add(1, ordering: .relaxed).newValue

    /// The threads in the group that had the mark of another group when they were added.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    private var others: Set<ObjectIdentifier> = []

    /// Threads that could not be started. They have no C handle, so they cannot be in the core's group.
    @safe @exclusivity(unchecked)
    private var unspawned: [ThreadState] = []

    /// Whether the threads that are left in the group are killed when it ends.
    private let abandonsThreads: Bool

    @usableFromInline
    init(abandoningThreads abandonsThreads: Bool) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_group_make(&handle))
        unsafe self.handle = handle!
        self.abandonsThreads = abandonsThreads
    }

    deinit {
        unsafe green_group_free_with(handle, abandonsThreads ? abandonThread : releaseThread)
        if abandonsThreads {
            unspawned.forEach { $0.abandon() }
        }
    }

    /// Starts a thread in the group.
    @usableFromInline
    func start(_ state: ThreadState, name: String?, stackSize: Int?) {
        if unsafe state.start(inGroup: handle, name: name, stackSize: stackSize) {
            state.group = number
        } else {
            unspawned.append(state)
        }
    }

    /// Adds a started thread, unless it is in the group.
    @usableFromInline
    func add(_ state: ThreadState) {
        guard let thread = state.handle else { return unspawned.append(state) }
        guard mark(state) else { return }
        checkOrTrap(unsafe green_group_add_with(handle, thread, Unmanaged.passRetained(state).toOpaque()))
    }

    /// Returns the thread that has finished next, or nil if the group is empty.
    @usableFromInline
    func next(timeout: Duration?) throws -> ThreadState? {
        guard unspawned.isEmpty else {
            try checkInterrupt()
            return unspawned.removeFirst()
        }
        var context: UnsafeMutableRawPointer?
        try check(unsafe green_group_next_with(handle, nil, &context, timeout.timeout))
        guard let context = unsafe context else {
            return unspawned.isEmpty ? nil : unspawned.removeFirst()
        }
        let state = unsafe Unmanaged<ThreadState>.fromOpaque(context).takeRetainedValue()
        unmark(state)
        return state
    }

    /// Waits until all threads have finished. Throws the first error of one of them.
    @usableFromInline
    func joinAll(timeout: Duration?) throws {
        let deadline = Deadline(timeout)
        while let state = try next(timeout: deadline.rest) {
            try state.throwFailure()
        }
    }

    var count: Int {
        unsafe green_group_count(handle) + unspawned.count
    }

    var finishedCount: Int {
        unsafe green_group_finished(handle) + unspawned.count
    }

    /// Notes that a thread is in the group. Returns false if it was.
    private func mark(_ state: ThreadState) -> Bool {
        guard state.group != number, others.isEmpty || !others.contains(ObjectIdentifier(state)) else { return false }
        if state.group == 0 {
            state.group = number
        } else {
            others.insert(ObjectIdentifier(state))
        }
        return true
    }

    private func unmark(_ state: ThreadState) {
        if state.group == number {
            state.group = 0
        } else {
            others.remove(ObjectIdentifier(state))
        }
    }
}

/// The last number of a group; 0 is that of none.
private let lastNumber = Atomic<UInt64>(0)

/// The core calls these on the hub of the group, wherever the group was released.
private func releaseThread(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).release()
}

private func abandonThread(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).takeRetainedValue().abandon()
}
