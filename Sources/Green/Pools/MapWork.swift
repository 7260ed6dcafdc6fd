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

    /// Nil once the input has ended.
    @safe @exclusivity(unchecked)
    private var pull: Pull?

    /// The thread of an element for which the pool had no room.
    @safe @exclusivity(unchecked)
    private var pulled: ThreadState?

    /// The error that ended the input, until it is returned.
    @safe @exclusivity(unchecked)
    private var inputFailure: (any Error)?

    /// The threads that were started and whose results were not taken.
    private let started: Started

    private enum Started {
        case inOrder(PileWork)
        case asTheyEnd(HubBound<MapGroup>)
    }

    /// Held by the thread that requests a result.
    private let requestLock = Semaphore()
    @safe @exclusivity(unchecked)
    private var asking: OpaquePointer?

    @usableFromInline
    init(_ pool: GreenPool, inOrder: Bool, _ pull: @escaping Pull) {
        self.pool = pool
        self.pull = pull
        started = inOrder ? .inOrder(PileWork(pool)) : .asTheyEnd(HubBound(MapGroup()))
    }

    @inlinable
    static func pull<Input, Output>(
        _ pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> Pull {
        {
            guard let element = try pull() else { return nil }
            return ThreadState { try transform(element) }
        }
    }

    deinit {
        if case .inOrder(let pile) = started {
            pile.abandonsThreads = true
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
        let deadline = Deadline(timeout)
        return try requestLock.withPermit(timeout: timeout) {
            unsafe asking = green_current()
            defer { asking = nil }
            try startWhatFits()
            if count == 0 {
                guard let state = try upcoming() else { return takeInputFailure() }
                try start(state, timeout: deadline.rest.timeout)
            }
            return try firstToEnd(timeout: deadline.rest)
        }
    }

    private var count: Int {
        switch started {
        case .inOrder(let pile): pile.count
        case .asTheyEnd(let owner): owner.object.group.count
        }
    }

    /// Starts elements while that does not block, and at most as many as the size of the pool.
    private func startWhatFits() throws {
        while count < pool.size, pool.availableCount > 0, let state = try upcoming() {
            // The input may have blocked, and others may have filled the pool.
            guard pool.availableCount > 0 else { return }
            try start(state, timeout: 0)
        }
    }

    /// The thread of the next element, or nil at the end of the input.
    private func upcoming() throws -> ThreadState? {
        guard pulled == nil, let pull else { return pulled }
        let interrupts = green_interrupt_count()
        do {
            pulled = try pull()
            if pulled == nil {
                self.pull = nil
            }
        } catch {
            // An interrupt is meant for the requesting thread. It does not end the input.
            guard green_interrupt_count() == interrupts else { throw error }
            self.pull = nil
            inputFailure = error
        }
        return pulled
    }

    /// Starts the upcoming thread. If that fails, it remains the upcoming thread.
    private func start(_ state: ThreadState, timeout: Int64) throws {
        defer {
            if state.isStarted {
                pulled = nil
                add(state)
            }
        }
        try pool.start(state, name: nil, timeout: timeout)
    }

    private func add(_ state: ThreadState) {
        switch started {
        case .inOrder(let pile): pile.add(state)
        case .asTheyEnd(let owner):
            owner.bind()
            owner.object.group.add(GreenThread(state))
        }
    }

    private func firstToEnd(timeout: Duration?) throws -> ThreadState? {
        switch started {
        case .inOrder(let pile): try pile.next(timeout: timeout)
        case .asTheyEnd(let owner): try owner.object.group.next(timeout: timeout)?.state
        }
    }

    private func takeInputFailure() -> ThreadState? {
        defer { inputFailure = nil }
        return inputFailure.map { ThreadState(failed: $0) }
    }
}

/// The threads of a map in order of completion. Kills them when it is destroyed.
final class MapGroup {
    let group = GreenGroup<Void>()

    deinit {
        group.members.forEach { $0.state.abandon() }
        group.unspawned.forEach { $0.state.abandon() }
    }
}
