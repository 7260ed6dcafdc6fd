extension DAGPool {
    /// Waits for the values of the keys.
    ///
    /// - Parameters:
    ///   - keys: The keys.
    ///   - timeout: The maximum time to wait for all of them; nil means no limit.
    /// - Returns: The values.
    /// - Throws: The ``PropagatedError`` of the first key that fails, without waiting for the others. A ``SystemError``
    ///   with the code `timedOut` if the timeout expires. If the caller is killed or its ``Timeout`` fires while it
    ///   waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func wait(for keys: some Sequence<Key>, timeout: Duration? = nil) throws -> [Key: Value] {
        try DAGWatch(state, keys: Set(keys), wantsAll: true).values(timeout: timeout)
    }

    /// Waits for the values of all keys that have a value or a thread now.
    ///
    /// - Parameter timeout: The maximum time to wait for all of them; nil means no limit.
    /// - Returns: The values.
    /// - Throws: The errors of ``wait(for:timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func waitAll(timeout: Duration? = nil) throws -> [Key: Value] {
        try wait(for: state.allKeys, timeout: timeout)
    }

    /// Waits for the value of a key.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Returns: The value.
    /// - Throws: The errors of ``wait(for:timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func value(for key: Key, timeout: Duration? = nil) throws -> Value {
        try state.value(for: key, timeout: timeout)
    }

    /// The value of a key. Blocks until there is one, as ``value(for:timeout:)`` without a timeout does.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public subscript(key: Key) -> Value {
        get throws { try value(for: key) }
    }

    /// The value or the failure of a key. Does not wait.
    ///
    /// - Parameter key: The key.
    /// - Returns: The value or failure, or nil if there is none yet.
    public func result(for key: Key) -> Result<Value, PropagatedError>? {
        state.look(at: key)
    }

    /// The keys that have a value or have failed, in the order in which they completed. Does not wait.
    public var keys: [Key] {
        state.completed
    }

    /// The keys that have a value or have failed, with their results, in the order in which they completed. Does not
    /// wait.
    public var items: [(key: Key, result: Result<Value, PropagatedError>)] {
        state.completed.compactMap { key in state.look(at: key).map { (key, $0) } }
    }
}

extension DAGPool {
    /// The number of keys whose thread has not ended.
    public var runningCount: Int {
        state.running.count
    }

    /// The keys whose thread has not ended, in no particular order.
    public var runningKeys: [Key] {
        Array(state.running.keys)
    }

    /// The number of threads that depend on a key without a value.
    public var waitingCount: Int {
        state.running.values.count { !state.missing($0).isEmpty }
    }

    /// The threads that depend on keys without a value, each with those keys. Shows what blocks a graph that does not
    /// complete.
    public var waitingFor: [Key: Set<Key>] {
        state.running.mapValues(state.missing).filter { !$0.value.isEmpty }
    }

    /// The keys without a value that the thread of a key depends on.
    ///
    /// - Parameter key: The key of the thread.
    /// - Returns: The missing keys. Empty if no thread runs for the key.
    public func waitingFor(_ key: Key) -> Set<Key> {
        state.running[key].map(state.missing) ?? []
    }
}
