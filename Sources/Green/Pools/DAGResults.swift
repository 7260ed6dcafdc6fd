/// What a thread of a ``DAGPool`` depends on, handed to its function.
///
/// As a sequence it has the value of each dependency as soon as it is there, and blocks for the next:
///
/// ```swift
/// try pool.spawn("total", dependsOn: ["a", "b", "c"]) { results in
///     var total = 0
///     for item in results {
///         let (key, value) = try item.get()
///         print("\(key) is there")
///         total += value
///     }
///     return total
/// }
/// ```
///
/// A `Sequence` cannot throw; so each element is a result. A dependency that has failed is a ``PropagatedError`` and
/// not the last element. When the thread is killed or its ``Timeout`` fires, that error is.
public struct DAGResults<Key: Hashable & Sendable, Value>: Sequence {
    private let state: DAGState<Key, Value>
    private let node: DAGNode<Key>

    init(_ state: DAGState<Key, Value>, _ node: DAGNode<Key>) {
        self.state = state
        self.node = node
    }

    /// The key whose value the function makes.
    public var key: Key {
        node.key
    }

    /// The keys it depends on.
    public var dependencies: Set<Key> {
        node.dependencies
    }

    /// The value of a key; blocks until it is there. The key becomes a dependency if it was none.
    ///
    /// Throws the ``PropagatedError`` of a key that has failed. When the thread is killed or its ``Timeout`` fires
    /// meanwhile, that error.
    @available(*, noasync)
    public subscript(key: Key) -> Value {
        get throws {
            node.dependencies.insert(key)
            return try state.value(for: key, timeout: nil)
        }
    }

    /// Waits for the values of all dependencies.
    ///
    /// - Returns: The values.
    /// - Throws: The ``PropagatedError`` of the first one that fails, without waiting for the others. When the thread
    ///   is killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
    public func all() throws -> [Key: Value] {
        try DAGWatch(state, keys: node.dependencies, wantsAll: true).values(timeout: nil)
    }

    /// Begins with those that are there, in the order in which they were completed.
    @available(*, noasync)
    public func makeIterator() -> Iterator {
        Iterator(DAGWatch(state, keys: node.dependencies))
    }

    /// The values of the dependencies, each as soon as it is there.
    public struct Iterator: IteratorProtocol {
        private let watch: DAGWatch<Key, Value>

        fileprivate init(_ watch: DAGWatch<Key, Value>) {
            self.watch = watch
        }

        /// Waits for the next value.
        @available(*, noasync)
        public mutating func next() -> Result<(key: Key, value: Value), any Error>? {
            watch.nextItem()
        }
    }
}

@available(*, unavailable)
extension DAGResults: Sendable {}

@available(*, unavailable)
extension DAGResults.Iterator: Sendable {}
