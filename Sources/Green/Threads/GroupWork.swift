internal import CGreen
internal import Glibc
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

    /// Set if the group owns its threads.
    private let scope: GroupScope?

    @usableFromInline
    init(abandoningThreads abandonsThreads: Bool) {
        scope = nil
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_group_make(&handle))
        unsafe self.handle = handle!
        self.abandonsThreads = abandonsThreads
    }

    /// Begins a group that owns its threads. `end(after:)` ends it.
    @usableFromInline
    init(collectingErrors: Bool) throws {
        let scope = GroupScope(collectingErrors: collectingErrors)
        unsafe handle = try scope.begin()
        self.scope = scope
        abandonsThreads = false
    }

    deinit {
        guard !hasEnded else { return }
        unsafe green_group_free_with(handle, abandonsThreads ? abandonThread : releaseThread)
        if abandonsThreads {
            unspawned.forEach { $0.abandon() }
        }
    }

    /// Starts a thread in the group.
    @usableFromInline
    func start(_ state: ThreadState, name: String?, stackSize: Int?, delay: Duration?) {
        checkNotEnded("spawn")
        if unsafe state.start(inGroup: handle, name: name, stackSize: stackSize, delay: delay) {
            state.group = number
        } else {
            unspawned.append(state)
            if let scope, scope.fail(state) {
                checkOrTrap(unsafe green_group_fail(handle, -ENOMEM))
            }
        }
    }

    /// Whether the scope of the group has ended, so that nothing can be added.
    private var hasEnded: Bool { scope?.hasEnded ?? false }

    private func checkNotEnded(_ call: String) {
        guard !hasEnded else {
            fatalError(
                "\(call): this group has ended; use it only in the body of its withGreenGroup and in its threads"
            )
        }
    }

    /// Adds a started thread, unless it is in the group.
    @usableFromInline
    func add(_ state: ThreadState) {
        checkNotEnded("add")
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
        guard !hasEnded else { return nil }
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

    /// Waits until all threads have ended, and returns them in the order in which they were spawned. If that fails, the
    /// group keeps those that have ended without an error.
    @usableFromInline
    func takeAll() throws -> [ThreadState] {
        var ended: [ThreadState] = []
        ended.reserveCapacity(count)
        var last: UInt64 = 0
        var isSorted = true
        do {
            while let state = try next(timeout: nil) {
                try state.throwFailure()
                let id = state.id
                isSorted = isSorted && id >= last
                last = id
                ended.append(state)
            }
        } catch {
            ended.forEach(add)
            throw error
        }
        // Threads get their ids in the order in which they are spawned.
        return isSorted ? ended : ended.sorted { $0.id < $1.id }
    }

    /// Kills all threads but the caller.
    func killAll(waitingForEnd: Bool) throws {
        guard !hasEnded else { return waitingForEnd ? try checkInterrupt() : () }
        if waitingForEnd {
            try check(unsafe green_group_kill_all_and_wait(handle, GREEN_FOREVER))
        } else {
            checkOrTrap(unsafe green_group_kill_all(handle))
        }
    }

    /// Ends the threads of a group that owns them.
    func endThreads() {
        try? end(after: GreenExit())
    }

    /// Ends a group that owns its threads: waits for them, or ends them first if the body has failed or something else
    /// does. Throws the first error.
    @usableFromInline
    func end(after bodyError: (any Error)?) throws {
        let scope = scope!
        scope.bodyHasFailed = bodyError != nil && scope.failure == nil
        let result = unsafe green_group_end(handle, bodyError == nil ? 0 : failedInSwift)
        // In a deinit or a link it cannot wait: the core has ended the threads, and deinit frees the group.
        scope.hasEnded = result != -EWOULDBLOCK
        guard result < 0 else { return }
        if let failure = scope.failure {
            let wasSeen = failure.isObserved
            let error = failure.observedFailure() ?? Green.failure(result)
            // A body that has got the error may have thrown another one for it.
            throw wasSeen ? bodyError ?? error : error
        }
        throw bodyError ?? Green.failure(result)
    }

    var count: Int {
        hasEnded ? 0 : unsafe green_group_count(handle) + unspawned.count
    }

    var finishedCount: Int {
        hasEnded ? 0 : unsafe green_group_finished(handle) + unspawned.count
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
func releaseThread(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).release()
}

private func abandonThread(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).takeRetainedValue().abandon()
}
