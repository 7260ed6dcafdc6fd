/// The dependencies of a thread of a ``DAGPool``, passed to its function.
///
/// As a sequence, it yields the values of the dependencies in the order in which they become available:
///
/// ```swift
/// try pool.spawn("total", dependsOn: ["a", "b", "c"]) { results in
///     var total = 0
///     for item in results {
///         let (key, value) = try item.get()
///         print("\(key) is available")
///         total += value
///     }
///     return total
/// }
/// ```
///
/// A `Sequence` cannot throw, so each element is a `Result`. A dependency that failed yields a ``PropagatedError``, and
/// the loop continues. If the thread is killed or its ``Timeout`` fires, that error is the last element.
public struct DAGResults<Key: Hashable & Sendable, Value>: Sequence {
    private let state: DAGState<Key, Value>
    private let node: DAGNode<Key>

    init(_ state: DAGState<Key, Value>, _ node: DAGNode<Key>) {
        self.state = state
        self.node = node
    }

    /// The key whose value the function supplies.
    public var key: Key {
        node.key
    }

    /// The keys that the function depends on.
    public var dependencies: Set<Key> {
        node.dependencies
    }

    /// The value of a key. Blocks until it is available. The key becomes a dependency if it is none.
    ///
    /// Throws a ``PropagatedError`` if the key failed. If the thread is killed or its ``Timeout`` fires while it waits,
    /// throws that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public subscript(key: Key) -> Value {
        get throws {
            node.dependencies.insert(key)
            return try state.value(for: key, timeout: nil)
        }
    }

    /// Waits for the values of all dependencies.
    ///
    /// - Returns: The values.
    /// - Throws: The ``PropagatedError`` of the first one that fails, without waiting for the others. If the thread is
    ///   killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func all() throws -> [Key: Value] {
        try DAGWatch(state, keys: node.dependencies, wantsAll: true).values(timeout: nil)
    }

    /// Iterates over the values. Begins with the available ones, in the order in which they completed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func makeIterator() -> Iterator {
        Iterator(DAGWatch(state, keys: node.dependencies))
    }

    /// The values of the dependencies, in the order in which they become available.
    public struct Iterator: IteratorProtocol {
        private let watch: DAGWatch<Key, Value>

        fileprivate init(_ watch: DAGWatch<Key, Value>) {
            self.watch = watch
        }

        /// Waits for the next value.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<(key: Key, value: Value), any Error>? {
            watch.nextItem()
        }
    }
}

@available(*, unavailable)
extension DAGResults: Sendable {}

@available(*, unavailable)
extension DAGResults.Iterator: Sendable {}
