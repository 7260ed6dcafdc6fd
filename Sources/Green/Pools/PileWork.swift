internal import CGreen

/// What is in a ``GreenPile``. It needs no type of the results, which stay in their threads' states.
@usableFromInline
final class PileWork {
    @safe
    private struct Item {
        let state: ThreadState
        /// Who spawned it. Borrowed, and only looked at while that thread is in the spawn.
        @safe let spawner: OpaquePointer?
    }

    private let pool: GreenPool

    // No access spans a call that blocks, so none can overlap.
    @safe @exclusivity(unchecked)
    private var items = FIFO<Item>()

    /// Held by who asks for a result.
    private let turn = Semaphore()

    /// Sent when a spawn is over, to who asks for its result meanwhile.
    @safe @exclusivity(unchecked)
    private var spawned: Event<Void>?

    init(_ pool: GreenPool) {
        self.pool = pool
    }

    var count: Int { items.count }

    /// Starts a thread and piles it up. Not when this throws, unless it was called in place.
    @usableFromInline
    func add(_ state: ThreadState, name: String?, timeout: Duration?) throws {
        items.append(unsafe Item(state: state, spawner: green_current()))
        defer {
            if !state.isStarted {
                items.removeLast { $0.state === state }
            }
            announce()
        }
        try pool.start(state, name: name, timeout: timeout.timeout)
    }

    /// The thread whose result is next, which has ended; nil when there is none.
    @usableFromInline
    func next(timeout: Duration?) throws -> ThreadState? {
        guard !awaitsItself else {
            throw DeadlockError(message: "a green thread of a pile waits for its own result")
        }
        let deadline = Deadline(timeout)
        return try turn.withPermit(timeout: timeout) {
            while let first = items.first {
                if first.state.isStarted {
                    try first.state.waitForEnd(timeout: deadline.rest)
                    items.removeFirst()
                    return first.state
                }
                guard unsafe first.spawner != green_current() else {
                    throw DeadlockError(message: "a function called in place waits for its own result in a pile")
                }
                try waitForSpawn(timeout: deadline.rest)
            }
            return nil
        }
    }

    /// Whether the result that the caller would get, behind those who ask already, is its own.
    private var awaitsItself: Bool {
        let ahead = turn.waitingCount + (turn.isLocked ? 1 : 0)
        let current = unsafe green_current()
        return items.first(ahead + 1, contain: { unsafe $0.state.handle == current })
    }

    private func waitForSpawn(timeout: Duration?) throws {
        let spawned = Event<Void>()
        self.spawned = spawned
        defer { self.spawned = nil }
        try spawned.wait(timeout: timeout)
    }

    private func announce() {
        guard let spawned else { return }
        self.spawned = nil
        // It is sent once, on the OS thread it belongs to, so that this cannot fail.
        try? spawned.send()
    }
}
