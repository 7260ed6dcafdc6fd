/// Green threads that wait for each other's results, by key: a directed acyclic graph.
///
/// ```swift
/// let pool = DAGPool<String, Page>()
/// try pool.spawn("page", dependsOn: ["text", "image"]) { results in
///     try Page(results["text"], results["image"])
/// }
/// try pool.spawn("text") { _ in try fetch("text") }
/// try pool.spawn("image") { _ in try fetch("image") }
/// let page = try pool.value(for: "page")
/// ```
///
/// What the function of a key returns is the key's value; others may be given from outside, by ``init(preload:)`` or
/// ``post(_:for:replacing:)``. A key may be depended on or waited for before anybody knows where it comes from. When
/// the function throws, everybody who wants the value gets a ``PropagatedError``.
///
/// The threads live as long as the pool: when its last reference is gone, those that have not ended are killed. So
/// keep the pool until their work is done, and let a function that refers to it do so weakly; otherwise a thread that
/// waits forever keeps the pool, and the pool it. An error of a key that nobody ever asked for is reported on standard
/// error when the pool is gone.
///
/// A value that nobody will ever supply shows in ``waitingFor``, and ends as every wait for nothing does: the main
/// thread's call throws a ``DeadlockError`` once nothing else can happen.
///
/// A pool belongs to its OS thread; so it is not `Sendable`.
public final class DAGPool<Key: Hashable & Sendable, Value> {
    let state: DAGState<Key, Value>

    /// Makes a pool without threads.
    ///
    /// - Parameter preload: Values that are there from the beginning.
    public init(preload: [Key: Value] = [:]) {
        state = DAGState(preload: preload)
    }

    deinit {
        state.abandon()
    }

    /// Starts a function in a green thread of its own; what it returns is the value of the key.
    ///
    /// It does not wait for what it depends on before it starts: it blocks where it takes a value out of the results.
    /// No limit is set to the number of threads. Does not block.
    ///
    /// - Parameters:
    ///   - key: The key of the value.
    ///   - dependencies: The keys that it waits for; they need not exist yet.
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; nil is the key.
    ///   - stackSize: Bytes of address space for its stack, at least 64 KiB; nil is the hub's default.
    ///   - body: What to run, with the results of the dependencies.
    /// - Throws: A ``DAGCollision`` when the key has a thread or a value. A ``SystemError`` with the code `noMemory`
    ///   when the thread cannot be started.
    @available(*, noasync)
    public func spawn(
        _ key: Key,
        dependsOn dependencies: [Key] = [],
        name: String? = nil,
        stackSize: Int? = nil,
        _ body: @escaping (_ results: DAGResults<Key, Value>) throws -> Value
    ) throws {
        try state.checkFree(key)
        try state.start(DAGNode(key: key, dependencies: dependencies), name: name, stackSize: stackSize, body)
    }

    /// Starts the same function for each of several keys.
    ///
    /// They start in no particular order. Does not block.
    ///
    /// - Parameters:
    ///   - dependencies: The keys of the values, each with the keys that it waits for.
    ///   - stackSize: Bytes of address space for each stack, at least 64 KiB; nil is the hub's default.
    ///   - body: What to run, with the key and the results of its dependencies.
    /// - Throws: A ``DAGCollision`` when one of the keys has a thread or a value; then none was started. A
    ///   ``SystemError`` with the code `noMemory` when a thread cannot be started; those started before it go on.
    @available(*, noasync)
    public func spawnMany(
        _ dependencies: [Key: [Key]],
        stackSize: Int? = nil,
        _ body: @escaping (_ key: Key, _ results: DAGResults<Key, Value>) throws -> Value
    ) throws {
        try dependencies.keys.forEach(state.checkFree)
        for (key, dependencies) in dependencies {
            let node = DAGNode(key: key, dependencies: dependencies)
            try state.start(node, name: nil, stackSize: stackSize) { try body(key, $0) }
        }
    }

    /// Supplies the value of a key, in place of a thread.
    ///
    /// A thread may post the value of its own key: whoever waits for it goes on, and what the function then returns
    /// does not matter. Does not block.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - key: Its key.
    ///   - replacing: Whether to replace the value, or the failure, that there may be. Those who were given that one
    ///     keep it.
    /// - Throws: A ``DAGCollision`` when another thread than the caller runs for the key, or when it has a value and
    ///   that is not to be replaced.
    @available(*, noasync)
    public func post(_ value: Value, for key: Key, replacing: Bool = false) throws {
        try state.post(.success(value), for: key, replacing: replacing)
    }

    /// Lets a key fail, in place of a thread.
    ///
    /// As ``post(_:for:replacing:)``, but whoever wants the value gets a ``PropagatedError``.
    ///
    /// - Parameters:
    ///   - error: What the propagated error says.
    ///   - key: The key.
    ///   - replacing: Whether to replace the value, or the failure, that there may be.
    /// - Throws: As ``post(_:for:replacing:)``.
    @available(*, noasync)
    public func post(throwing error: any Error, for key: Key, replacing: Bool = false) throws {
        try state.post(.failure(PropagatedError(key: key, underlying: error)), for: key, replacing: replacing)
    }

    /// Kills the thread of a key, as ``GreenThread/kill(throwing:waitingForEnd:)`` does; one that has not begun never will.
    ///
    /// The key is free at once: another thread may be spawned for it, or its value posted, and until then those who
    /// want it go on waiting. Whatever the killed thread still returns is dropped. Does not block.
    ///
    /// - Parameter key: The key.
    /// - Throws: ``DAGNotRunning`` when no thread runs for it. ``GreenExit`` when the caller is that thread.
    @available(*, noasync)
    public func kill(_ key: Key) throws {
        try state.kill(key)
    }
}

@available(*, unavailable)
extension DAGPool: Sendable {}
