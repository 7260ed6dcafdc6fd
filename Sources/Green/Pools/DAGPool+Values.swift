extension DAGPool {
    /// Waits for the values of the keys.
    ///
    /// - Parameters:
    ///   - keys: The keys.
    ///   - timeout: How long to wait for all of them at most; nil is for as long as it takes.
    /// - Returns: The values.
    /// - Throws: The ``PropagatedError`` of the first key that fails, without waiting for the others. A ``SystemError``
    ///   with the code `timedOut` after the timeout. When the caller is killed or its ``Timeout`` fires meanwhile,
    ///   that error.
    @available(*, noasync)
    @discardableResult
    public func wait(for keys: some Sequence<Key>, timeout: Duration? = nil) throws -> [Key: Value] {
        try DAGWatch(state, keys: Set(keys), wantsAll: true).values(timeout: timeout)
    }

    /// Waits for the values of all keys that now have a value or a thread.
    ///
    /// - Parameter timeout: How long to wait for all of them at most; nil is for as long as it takes.
    /// - Returns: The values.
    /// - Throws: As ``wait(for:timeout:)``.
    @available(*, noasync)
    @discardableResult
    public func waitAll(timeout: Duration? = nil) throws -> [Key: Value] {
        try wait(for: state.allKeys, timeout: timeout)
    }

    /// Waits for the value of a key.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - timeout: How long to wait for it at most; nil is for as long as it takes.
    /// - Returns: The value.
    /// - Throws: As ``wait(for:timeout:)``.
    @available(*, noasync)
    public func value(for key: Key, timeout: Duration? = nil) throws -> Value {
        try state.value(for: key, timeout: timeout)
    }

    /// The value of a key; as ``value(for:timeout:)`` without a timeout, so it blocks until there is one.
    @available(*, noasync)
    public subscript(key: Key) -> Value {
        get throws { try value(for: key) }
    }

    /// The value of a key, or its failure, without waiting.
    ///
    /// - Parameter key: The key.
    /// - Returns: What it has; nil when that is nothing yet.
    public func result(for key: Key) -> Result<Value, PropagatedError>? {
        state.look(at: key)
    }

    /// The keys that have a value or have failed, in the order in which they did. Does not wait.
    public var keys: [Key] {
        state.completed
    }

    /// The keys that have a value or have failed, with that, in the order in which they did. Does not wait.
    public var items: [(key: Key, result: Result<Value, PropagatedError>)] {
        state.completed.compactMap { key in state.look(at: key).map { (key, $0) } }
    }
}

extension DAGPool {
    /// How many keys have a thread that has not ended, whether it waits or works.
    public var runningCount: Int {
        state.running.count
    }

    /// The keys that have a thread that has not ended, in no particular order.
    public var runningKeys: [Key] {
        Array(state.running.keys)
    }

    /// How many threads depend on a key without a value.
    public var waitingCount: Int {
        state.running.values.count { !state.missing($0).isEmpty }
    }

    /// What the threads that depend on a key without a value lack: what holds up a graph that does not come to its
    /// end.
    public var waitingFor: [Key: Set<Key>] {
        state.running.mapValues(state.missing).filter { !$0.value.isEmpty }
    }

    /// The keys without a value that the thread of a key depends on.
    ///
    /// - Parameter key: The key of the thread.
    /// - Returns: What it lacks: nothing, where no thread runs for the key.
    public func waitingFor(_ key: Key) -> Set<Key> {
        state.running[key].map(state.missing) ?? []
    }
}
