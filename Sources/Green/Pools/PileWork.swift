internal import CGreen

/// The core's pile, with the states of its threads. It needs no type of the results, which stay in the states.
@usableFromInline
@safe
final class PileWork {
    private let pool: GreenPool

    /// Owned. Each of its items holds the state of its thread.
    @safe private let handle: OpaquePointer

    init(_ pool: GreenPool) {
        self.pool = pool
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_pile_make(&handle, pool.handle))
        unsafe self.handle = handle!
    }

    deinit {
        removeAll { _ in }
        unsafe green_pile_free(handle)
    }

    var count: Int {
        unsafe green_pile_count(handle)
    }

    /// Starts a thread in the place that it reserves first. If this throws, the thread is in the pile only if it was
    /// called in place.
    @usableFromInline
    func spawn(_ state: ThreadState, name: String?, timeout: Duration?) throws {
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

    /// Adds a thread that was started.
    func add(_ state: ThreadState) {
        checkOrTrap(unsafe green_pile_add(handle, state.handle, Unmanaged.passRetained(state).toOpaque()))
    }

    /// The thread whose result is next, which has ended; nil when there is none.
    @usableFromInline
    func next(timeout: Duration?) throws -> ThreadState? {
        var context: UnsafeMutableRawPointer?
        try check(unsafe green_pile_next_with(handle, nil, &context, timeout.timeout))
        return unsafe state(context)
    }

    /// Takes all threads out without waiting for them.
    func removeAll(_ body: (ThreadState) -> Void) {
        var context: UnsafeMutableRawPointer?
        while unsafe green_pile_remove(handle, &context), let state = unsafe state(context) {
            body(state)
        }
    }

    private func state(_ context: UnsafeMutableRawPointer?) -> ThreadState? {
        unsafe context.map { unsafe Unmanaged<ThreadState>.fromOpaque($0).takeRetainedValue() }
    }
}
