extension DAGPool {
    /// The values of the keys, in the order in which they become available.
    ///
    /// ```swift
    /// for item in pool.waitEach(for: ["a", "b", "c"]) {
    ///     let (key, value) = try item.get()
    ///     print(key, value)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. A key that failed yields a ``PropagatedError``, and
    /// the loop continues. If the caller is killed, its ``Timeout`` fires, or nothing can end the wait, that error is
    /// the last element.
    ///
    /// - Parameter keys: The keys.
    /// - Returns: A sequence for one iteration, which blocks for each element that is not available yet.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEach(for keys: some Sequence<Key>) -> Each {
        Each(self, keys: Set(keys), skipsFailures: false)
    }

    /// The values of all keys that have a value or a thread now; see ``waitEach(for:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEach() -> Each {
        waitEach(for: state.allKeys)
    }

    /// The values of the keys, in the order in which they become available, without the keys that fail.
    ///
    /// Same as ``waitEach(for:)``, but an element is a failure only if the wait itself fails.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEachSuccess(for keys: some Sequence<Key>) -> Each {
        Each(self, keys: Set(keys), skipsFailures: true)
    }

    /// The values of all keys that have a value or a thread now; see ``waitEachSuccess(for:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEachSuccess() -> Each {
        waitEachSuccess(for: state.allKeys)
    }

    /// The failures of the keys, in the order in which they happen.
    ///
    /// Same as ``waitEach(for:)``, but each element is the ``PropagatedError`` of a key that failed, or the error of
    /// the wait itself.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEachError(for keys: some Sequence<Key>) -> EachError {
        EachError(self, keys: Set(keys))
    }

    /// The failures of all keys that have a value or a thread now; see ``waitEachError(for:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func waitEachError() -> EachError {
        waitEachError(for: state.allKeys)
    }

    /// The values of a pool, in the order in which they become available.
    public struct Each: Sequence, IteratorProtocol {
        // Keeps the threads alive.
        private let pool: DAGPool
        private let watch: HubBound<DAGWatch<Key, Value>>
        private let skipsFailures: Bool

        fileprivate init(_ pool: DAGPool, keys: Set<Key>, skipsFailures: Bool) {
            self.pool = pool
            watch = HubBound(DAGWatch(pool.state, keys: keys))
            watch.bind()
            self.skipsFailures = skipsFailures
        }

        /// Waits for the next value.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<(key: Key, value: Value), any Error>? {
            while let item = watch.object.nextItem() {
                if skipsFailures, case .failure(let error) = item, error is PropagatedError { continue }
                return item
            }
            return nil
        }
    }

    /// The failures of a pool, in the order in which they happen.
    public struct EachError: Sequence, IteratorProtocol {
        // Keeps the threads alive.
        private let pool: DAGPool
        private let watch: HubBound<DAGWatch<Key, Value>>

        fileprivate init(_ pool: DAGPool, keys: Set<Key>) {
            self.pool = pool
            watch = HubBound(DAGWatch(pool.state, keys: keys))
            watch.bind()
        }

        /// Waits for the next failure.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<PropagatedError, any Error>? {
            while let item = watch.object.nextItem() {
                guard case .failure(let error) = item else { continue }
                return (error as? PropagatedError).map(Result.success) ?? .failure(error)
            }
            return nil
        }
    }
}

@available(*, unavailable)
extension DAGPool.Each: Sendable {}

@available(*, unavailable)
extension DAGPool.EachError: Sendable {}
