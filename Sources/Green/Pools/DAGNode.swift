internal import CGreen

/// One thread of a ``DAGPool``.
final class DAGNode<Key: Hashable & Sendable> {
    let key: Key
    var dependencies: Set<Key>
    var thread: GreenThread<Void>?

    init(key: Key, dependencies: [Key]) {
        self.key = key
        self.dependencies = Set(dependencies)
    }

    /// Whether this is the current thread.
    var isCurrent: Bool {
        unsafe thread?.state.handle == green_current()
    }
}
