internal import CGreen

/// The state that copies of a ``GreenMap`` share. It does not depend on the type of the results, which stay in the
/// states of their threads.
///
/// A map has no thread of its own: the threads that request results do the work. The threads of the elements hold no
/// reference to a map, so it is released with the last ``GreenMap``.
@usableFromInline
@safe
final class MapWork {
    /// Returns the thread of the next element, which is not started, or nil at the end.
    @usableFromInline
    typealias Pull = () throws -> ThreadState?

    private let pool: GreenPool

    /// The core's pool, which ``pool`` owns.
    @safe private let poolHandle: OpaquePointer

    /// Nil once the input has ended.
    @safe @exclusivity(unchecked)
    private var pull: Pull?

    /// The thread of an element for which the pool had no room.
    @safe @exclusivity(unchecked)
    private var pulled: ThreadState?

    /// The error that ended the input, until it is returned.
    @safe @exclusivity(unchecked)
    private var inputFailure: (any Error)?

    /// The threads that were started and whose results were not taken: one of these.
    private let inOrder: PileWork?
    private let asTheyEnd: GroupWork?

    /// Held by the thread that requests a result.
    private let requestLock = Semaphore()
    @safe @exclusivity(unchecked)
    private var asking: OpaquePointer?

    @usableFromInline
    init(_ pool: GreenPool, inOrder: Bool, _ pull: @escaping Pull) {
        self.pool = pool
        poolHandle = pool.handle
        self.pull = pull
        self.inOrder = inOrder ? PileWork(pool) : nil
        asTheyEnd = inOrder ? nil : GroupWork(abandoningThreads: true)
    }

    deinit {
        inOrder?.free(abandoningThreads: true)
    }

    @inlinable
    static func pull<Input, Output>(
        _ pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> Pull {
        {
            guard let element = try pull() else { return nil }
            return ThreadState(element, transform)
        }
    }

    /// Returns the finished thread of the next result, or nil at the end.
    @usableFromInline
    func next(timeout: Duration?) throws -> ThreadState? {
        guard unsafe asking == nil || asking != green_current() else {
            throw DeadlockError(
                message: "a map waits for its own next result, in its input or in a function that was called in place"
            )
        }
        try requestLock.acquire(timeout: timeout)
        unsafe asking = green_current()
        defer {
            asking = nil
            requestLock.release()
        }
        let deadline = Deadline(timeout)
        try startWhatFits()
        if count == 0 {
            guard let state = try upcoming() else { return takeInputFailure() }
            try start(state, timeout: deadline.rest.timeout)
        }
        return try firstToEnd(timeout: deadline.rest)
    }

    /// Kills the threads of the map and ends its input.
    func killAll(waitingForEnd: Bool) throws {
        pull = nil
        pulled = nil
        try inOrder?.killAll(waitingForEnd: waitingForEnd)
        try asTheyEnd?.killAll(waitingForEnd: waitingForEnd)
    }

    private var count: Int {
        if let inOrder { inOrder.count } else { asTheyEnd!.count }
    }

    /// Starts elements while that does not block, and at most as many as the size of the pool.
    private func startWhatFits() throws {
        while hasRoom, let state = try upcoming() {
            // The input may have blocked, and others may have filled the pool.
            guard unsafe green_pool_available(poolHandle) > 0 else { return pulled = state }
            try start(state, timeout: 0)
        }
    }

    private var hasRoom: Bool {
        unsafe green_pool_available(poolHandle) > 0 && count < green_pool_size(poolHandle)
    }

    /// Takes the thread of the next element. Returns nil at the end of the input.
    private func upcoming() throws -> ThreadState? {
        if let pulled = pulled.take() {
            return pulled
        }
        guard let pull else { return nil }
        let interrupts = green_interrupt_count()
        do {
            if let state = try pull() {
                return state
            }
            self.pull = nil
        } catch {
            // An interrupt is meant for the requesting thread. It does not end the input.
            guard green_interrupt_count() == interrupts else { throw error }
            self.pull = nil
            inputFailure = error
        }
        return nil
    }

    /// Starts the upcoming thread. If that fails, it remains the upcoming thread.
    private func start(_ state: consuming ThreadState, timeout: Int64) throws {
        do {
            try unsafe state.start(in: poolHandle, name: nil, stackSize: pool.stackSize, timeout: timeout)
        } catch {
            if state.isStarted {
                add(state)
            } else {
                pulled = state
            }
            throw error
        }
        add(state)
    }

    private func add(_ state: consuming ThreadState) {
        if let inOrder {
            inOrder.add(state)
        } else {
            asTheyEnd!.add(state)
        }
    }

    private func firstToEnd(timeout: Duration?) throws -> ThreadState? {
        if let inOrder {
            try inOrder.next(timeout: timeout)
        } else {
            try asTheyEnd!.next(timeout: timeout)
        }
    }

    private func takeInputFailure() -> ThreadState? {
        defer { inputFailure = nil }
        return inputFailure.map { ThreadState(failed: $0) }
    }
}
