extension DAGPool {
    /// The values of the keys, each as soon as it is there.
    ///
    /// ```swift
    /// for item in pool.waitEach(for: ["a", "b", "c"]) {
    ///     let (key, value) = try item.get()
    ///     print(key, value)
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw; so each element is a result. A key that has failed is a ``PropagatedError`` and not
    /// the last element. When the caller is killed or its ``Timeout`` fires, or nothing can ever end the wait, that
    /// error is.
    ///
    /// - Parameter keys: The keys.
    /// - Returns: A sequence to be gone through once, which blocks for each element that is not there yet. Those that
    ///   are come in the order in which they were completed.
    @available(*, noasync)
    public func waitEach(for keys: some Sequence<Key>) -> Each {
        Each(self, keys: Set(keys), skipsFailures: false)
    }

    /// The values of all keys that now have a value or a thread, as ``waitEach(for:)``.
    @available(*, noasync)
    public func waitEach() -> Each {
        waitEach(for: state.allKeys)
    }

    /// The values of the keys, each as soon as it is there, without those that have failed.
    ///
    /// As ``waitEach(for:)``, but only the end of the wait itself is an element that has failed.
    @available(*, noasync)
    public func waitEachSuccess(for keys: some Sequence<Key>) -> Each {
        Each(self, keys: Set(keys), skipsFailures: true)
    }

    /// The values of all keys that now have a value or a thread, as ``waitEachSuccess(for:)``.
    @available(*, noasync)
    public func waitEachSuccess() -> Each {
        waitEachSuccess(for: state.allKeys)
    }

    /// The failures of the keys, each as soon as it is there.
    ///
    /// As ``waitEach(for:)``, but each element is the ``PropagatedError`` of a key that has failed, or else the end of
    /// the wait itself.
    @available(*, noasync)
    public func waitEachError(for keys: some Sequence<Key>) -> EachError {
        EachError(self, keys: Set(keys))
    }

    /// The failures of all keys that now have a value or a thread, as ``waitEachError(for:)``.
    @available(*, noasync)
    public func waitEachError() -> EachError {
        waitEachError(for: state.allKeys)
    }

    /// The values of a pool, each as soon as it is there.
    public struct Each: Sequence, IteratorProtocol {
        // The threads that are waited for live no longer than it does.
        private let pool: DAGPool
        private let watch: DAGWatch<Key, Value>
        private let skipsFailures: Bool

        fileprivate init(_ pool: DAGPool, keys: Set<Key>, skipsFailures: Bool) {
            self.pool = pool
            watch = DAGWatch(pool.state, keys: keys)
            self.skipsFailures = skipsFailures
        }

        /// Waits for the next value.
        @available(*, noasync)
        public mutating func next() -> Result<(key: Key, value: Value), any Error>? {
            while let item = watch.nextItem() {
                if skipsFailures, case .failure(let error) = item, error is PropagatedError { continue }
                return item
            }
            return nil
        }
    }

    /// The failures of a pool, each as soon as it is there.
    public struct EachError: Sequence, IteratorProtocol {
        // The threads that are waited for live no longer than it does.
        private let pool: DAGPool
        private let watch: DAGWatch<Key, Value>

        fileprivate init(_ pool: DAGPool, keys: Set<Key>) {
            self.pool = pool
            watch = DAGWatch(pool.state, keys: keys)
        }

        /// Waits for the next failure.
        @available(*, noasync)
        public mutating func next() -> Result<PropagatedError, any Error>? {
            while let item = watch.nextItem() {
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
