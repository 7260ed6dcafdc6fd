internal import CGreen

/// The core's pile of a ``GreenPile`` or a ``GreenMap``, which owns it and keeps the pool. It does not depend on the
/// type of the results, which stay in the states of their threads.
// A structure, because an object would be retained and released in each call.
@usableFromInline
@safe
struct PileWork {
    /// The context of each item is a retained `ThreadState`.
    @safe private let handle: OpaquePointer

    init(_ pool: GreenPool) {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_pile_make(&handle, pool.handle))
        unsafe self.handle = handle!
    }

    /// Frees the pile. Call it once.
    ///
    /// - Parameter abandonsThreads: Whether the threads that are left in the pile are killed.
    func free(abandoningThreads abandonsThreads: Bool) {
        unsafe green_pile_free_with(handle, abandonsThreads ? abandonContext : releaseContext)
    }

    var count: Int {
        unsafe green_pile_count(handle)
    }

    /// Reserves a place and starts a thread in it. If this throws, the thread is in the pile only if it was called in
    /// place.
    func spawn(_ state: ThreadState, in pool: GreenPool, name: String?, timeout: Duration?) throws {
        let context = unsafe Unmanaged.passRetained(state)
        var place = unsafe green_pile_place()
        try unsafe withUnsafeMutablePointer(to: &place) { place in
            do {
                try check(unsafe green_pile_reserve(handle, place, context.toOpaque()))
            } catch {
                unsafe context.release()
                throw error
            }
            defer {
                if state.isStarted {
                    unsafe green_pile_fill(place, state.handle)
                } else {
                    unsafe green_pile_cancel(place)
                    unsafe context.release()
                }
            }
            try pool.start(state, name: name, timeout: timeout)
        }
    }

    func killAll(waitingForEnd: Bool) throws {
        if waitingForEnd {
            try check(unsafe green_pile_kill_all_and_wait(handle, GREEN_FOREVER))
        } else {
            checkOrTrap(unsafe green_pile_kill_all(handle))
        }
    }

    /// Adds a started thread.
    func add(_ state: consuming ThreadState) {
        let thread = state.handle
        checkOrTrap(unsafe green_pile_add(handle, thread, Unmanaged.passRetained(state).toOpaque()))
    }

    /// Returns the finished thread of the next result, or nil if the pile is empty.
    @inline(__always)
    func next(timeout: Duration?) throws -> ThreadState? {
        var context: UnsafeMutableRawPointer?
        try check(unsafe green_pile_next_with(handle, nil, &context, timeout.timeout))
        return unsafe state(context)
    }

    private func state(_ context: UnsafeMutableRawPointer?) -> ThreadState? {
        unsafe context.map { unsafe Unmanaged<ThreadState>.fromOpaque($0).takeRetainedValue() }
    }
}

/// The core calls these on the hub of the pile, wherever the pile was released.
private func releaseContext(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).release()
}

private func abandonContext(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<ThreadState>.fromOpaque(context!).takeRetainedValue().abandon()
}
