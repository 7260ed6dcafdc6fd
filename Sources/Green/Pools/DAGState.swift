/// Ends the threads and the waits of a ``DAGPool`` when it is destroyed.
final class DAGEnd<Key: Hashable & Sendable, Value> {
    private let state: DAGState<Key, Value>

    init(_ state: DAGState<Key, Value>) {
        self.state = state
    }

    deinit {
        state.abandon()
    }
}

/// The state that a ``DAGPool`` shares with its threads.
///
/// The threads retain this object and not the pool. So the pool is released when its users drop it, and can end them.
final class DAGState<Key: Hashable & Sendable, Value> {
    typealias Outcome = Result<Value, PropagatedError>

    /// The keys that have an outcome, in the order in which they completed.
    private(set) var completed: [Key] = []

    /// Their outcomes, and their places in that order.
    private var outcomes: [Key: (outcome: Outcome, place: Int)] = [:]

    /// The threads that will supply a key.
    private(set) var running: [Key: DAGNode<Key>] = [:]

    /// All threads that may not have ended, including those that posted their value or were killed.
    private var alive: [ObjectIdentifier: DAGNode<Key>] = [:]

    /// The waits for each key, in the order in which they came. Each removes itself when it ends.
    private var watches: [Key: [(id: ObjectIdentifier, watch: Unowned)]] = [:]

    /// Failures that were not requested.
    private var unseen: [Key: PropagatedError] = [:]

    /// The pool was released. No value will be supplied.
    private(set) var isAbandoned = false

    struct Unowned {
        unowned let watch: DAGWatch<Key, Value>
    }

    init(preload: [Key: Value]) {
        for (key, value) in preload {
            settle(key, .success(value))
        }
    }

    deinit {
        for key in completed {
            if let failure = unseen[key], !(failure.cause is GreenExit) {
                report(failure, "the error of a DAGPool key that was never requested")
            }
        }
    }
}

// MARK: - Threads

extension DAGState {
    func checkFree(_ key: Key) throws {
        if running[key] != nil || outcomes[key] != nil {
            throw DAGCollision(key: key, isRunning: running[key] != nil)
        }
    }

    func start(
        _ node: DAGNode<Key>,
        name: String?,
        stackSize: Int?,
        _ body: @escaping (DAGResults<Key, Value>) throws -> Value
    ) throws {
        let thread = Green.spawn(name: name ?? "\(node.key)", stackSize: stackSize) {
            try self.run(node, body)
        }
        if thread.isFinished, let failure = thread.state.observedFailure() {
            throw failure
        }
        node.thread = thread
        running[node.key] = node
        alive[ObjectIdentifier(node)] = node
    }

    private func run(_ node: DAGNode<Key>, _ body: (DAGResults<Key, Value>) throws -> Value) throws {
        defer { alive[ObjectIdentifier(node)] = nil }
        let result = Result { try body(DAGResults(self, node)) }
        guard running[node.key] === node else {
            // It posted its value or was killed. Its error is reported, as for every thread.
            _ = try result.get()
            return
        }
        running[node.key] = nil
        settle(node.key, result.mapError { PropagatedError(key: node.key, underlying: $0) })
    }

    func kill(_ key: Key) throws {
        guard let node = running.removeValue(forKey: key), let thread = node.thread else {
            throw DAGNotRunning(key: key)
        }
        if thread.cancel() {
            alive[ObjectIdentifier(node)] = nil
        } else {
            try thread.kill()
        }
    }

    /// Ends the threads and the waits when the pool is released.
    func abandon() {
        isAbandoned = true
        running = [:]
        for node in alive.values where !node.isCurrent {
            // Throws only in a thread that kills itself.
            try? node.thread?.kill()
        }
        alive = [:]
        // Threads outside the pool may wait too, if a function passed its results to them.
        for (_, watch) in watches.values.joined() {
            watch.watch.abandon()
        }
        watches = [:]
    }

    func missing(_ node: DAGNode<Key>) -> Set<Key> {
        node.dependencies.filter { outcomes[$0] == nil }
    }
}

// MARK: - Outcomes

extension DAGState {
    var allKeys: Set<Key> {
        Set(completed).union(running.keys)
    }

    func post(_ outcome: Outcome, for key: Key, replacing: Bool) throws {
        if let owner = running[key], !owner.isCurrent {
            throw DAGCollision(key: key, isRunning: true)
        }
        if outcomes[key] != nil, !replacing {
            throw DAGCollision(key: key, isRunning: false)
        }
        running[key] = nil
        settle(key, outcome)
    }

    private func settle(_ key: Key, _ outcome: Outcome) {
        let place = outcomes[key]?.place ?? completed.count
        if place == completed.count {
            completed.append(key)
        }
        outcomes[key] = (outcome, place)
        unseen[key] = nil
        let waiting = watches.removeValue(forKey: key) ?? []
        if waiting.isEmpty, case .failure(let failure) = outcome {
            unseen[key] = failure
        }
        for (_, watch) in waiting {
            watch.watch.arrive(key, outcome)
        }
    }

    /// The outcome of a key, for a caller that takes responsibility for its failure.
    func look(at key: Key) -> Outcome? {
        unseen[key] = nil
        return outcomes[key]?.outcome
    }

    func value(for key: Key, timeout: Duration?) throws -> Value {
        try checkInterrupt()
        if let outcome = look(at: key) {
            return try outcome.get()
        }
        return try DAGWatch(self, keys: [key], wantsAll: true).values(timeout: timeout)[key]!
    }
}

// MARK: - Watches

extension DAGState {
    /// Registers a watch for those of its keys that have no outcome.
    ///
    /// - Returns: The other keys, in the order in which they completed.
    func enter(_ watch: DAGWatch<Key, Value>, _ keys: Set<Key>) -> [Key] {
        for key in keys where outcomes[key] == nil {
            watches[key, default: []].append((ObjectIdentifier(watch), Unowned(watch: watch)))
        }
        let places = keys.compactMap { outcomes[$0]?.place }.sorted()
        return places.map { completed[$0] }
    }

    func leave(_ id: ObjectIdentifier, _ keys: Set<Key>) {
        for key in keys {
            watches[key]?.removeAll { $0.id == id }
            if watches[key]?.isEmpty == true {
                watches[key] = nil
            }
        }
    }
}
