/// What a ``DAGPool`` shares with its threads.
///
/// They hold this and not the pool; so the pool goes when its users drop it, and can end them.
final class DAGState<Key: Hashable & Sendable, Value> {
    typealias Outcome = Result<Value, PropagatedError>

    /// The keys that have an outcome, in the order in which they got it.
    private(set) var completed: [Key] = []

    /// What they have, and their place in that order.
    private var outcomes: [Key: (outcome: Outcome, place: Int)] = [:]

    /// The threads that are to supply a key.
    private(set) var running: [Key: DAGNode<Key>] = [:]

    /// All threads that may not have ended: also those that have posted their value, or were killed.
    private var alive: [ObjectIdentifier: DAGNode<Key>] = [:]

    /// Who waits for a key, in the order they came. Each takes itself off when it goes.
    private var watches: [Key: [(id: ObjectIdentifier, watch: Unowned)]] = [:]

    /// Failures that nobody has asked for.
    private var unseen: [Key: PropagatedError] = [:]

    /// The pool is gone; no value comes any more.
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
                report(failure, "nobody asked a DAGPool for a key that failed")
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
            // It has posted its value, or was killed: now it is a thread like any other, whose error is reported.
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

    /// The pool is gone.
    func abandon() {
        isAbandoned = true
        running = [:]
        for node in alive.values where !node.isCurrent {
            // Only a thread that kills itself gets an error.
            try? node.thread?.kill()
        }
        alive = [:]
        // Other threads may wait, too, to which a body gave its results.
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

    /// What a key has, for somebody who is now responsible for its failure.
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
    /// Enters a watch for those of its keys that have no outcome.
    ///
    /// - Returns: The others, in the order in which they got it.
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
