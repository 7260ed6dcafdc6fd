/// A pool of green threads that wait for each other's results by key: a directed acyclic graph.
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
/// The value of a key is what its function returns. Values can also be supplied by ``init(preload:)`` and
/// ``post(_:for:replacing:)``. Threads may depend on a key, and wait for it, before its source exists. If the function
/// of a key throws, all waits for the key throw a ``PropagatedError``.
///
/// The threads live as long as the pool: when its last reference is released, those that have not ended are killed. So
/// keep the pool until their work is done, and capture it weakly in functions; otherwise a thread that waits forever
/// and the pool retain each other. If the error of a key was never requested, it is reported on standard error when the
/// pool is released.
///
/// A key that will never have a value shows in ``waitingFor``. A wait for it ends like every wait that nothing can end:
/// the call of the main thread throws a ``DeadlockError`` when no thread can run.
///
/// A pool belongs to its OS thread, so it is not `Sendable`.
public final class DAGPool<Key: Hashable & Sendable, Value> {
    let state: DAGState<Key, Value>

    /// Ends the threads on their hub.
    private let end: HubBound<DAGEnd<Key, Value>>

    /// Creates a pool without threads.
    ///
    /// - Parameter preload: Values that are available from the beginning.
    public init(preload: [Key: Value] = [:]) {
        state = DAGState(preload: preload)
        end = HubBound(DAGEnd(state))
    }

    /// Starts a function in a new green thread. What it returns is the value of the key.
    ///
    /// The function does not wait for its dependencies before it starts. It blocks where it reads a value from the
    /// results. The number of threads is not limited. Does not block.
    ///
    /// - Parameters:
    ///   - key: The key of the value.
    ///   - dependencies: The keys that the function depends on; they need not exist yet.
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; nil means the key.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default.
    ///   - body: The function to run, with the results of its dependencies.
    /// - Throws: A ``DAGCollision`` if the key has a thread or a value. A ``SystemError`` with the code `noMemory` if
    ///   the thread cannot be started.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func spawn(
        _ key: Key,
        dependsOn dependencies: [Key] = [],
        name: String? = nil,
        stackSize: Int? = nil,
        _ body: @escaping (_ results: DAGResults<Key, Value>) throws -> Value
    ) throws {
        try state.checkFree(key)
        end.bind()
        try state.start(DAGNode(key: key, dependencies: dependencies), name: name, stackSize: stackSize, body)
    }

    /// Starts the same function for each of several keys, in no particular order.
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - dependencies: The keys, each with the keys that it depends on.
    ///   - stackSize: Bytes of address space for each stack, at least 64 KiB; nil means the hub's default.
    ///   - body: The function to run, with a key and the results of its dependencies.
    /// - Throws: A ``DAGCollision`` if one of the keys has a thread or a value; then no thread was started. A
    ///   ``SystemError`` with the code `noMemory` if a thread cannot be started; those started before keep running.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func spawnMany(
        _ dependencies: [Key: [Key]],
        stackSize: Int? = nil,
        _ body: @escaping (_ key: Key, _ results: DAGResults<Key, Value>) throws -> Value
    ) throws {
        try dependencies.keys.forEach(state.checkFree)
        end.bind()
        for (key, dependencies) in dependencies {
            let node = DAGNode(key: key, dependencies: dependencies)
            try state.start(node, name: nil, stackSize: stackSize) { try body(key, $0) }
        }
    }

    /// Supplies the value of a key.
    ///
    /// A thread may post the value of its own key. Waits for the key then end, and the result of the function is
    /// ignored. Does not block.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - key: Its key.
    ///   - replacing: Whether to replace an existing value or failure. Callers that received it keep it.
    /// - Throws: A ``DAGCollision`` if another thread than the caller runs for the key, or if the key has a value or
    ///   failure and `replacing` is false.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func post(_ value: Value, for key: Key, replacing: Bool = false) throws {
        try state.post(.success(value), for: key, replacing: replacing)
    }

    /// Makes a key fail. Waits for the key throw a ``PropagatedError``.
    ///
    /// - Parameters:
    ///   - error: The underlying error.
    ///   - key: The key.
    ///   - replacing: Whether to replace an existing value or failure.
    /// - Throws: The errors of ``post(_:for:replacing:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func post(throwing error: any Error, for key: Key, replacing: Bool = false) throws {
        try state.post(.failure(PropagatedError(key: key, underlying: error)), for: key, replacing: replacing)
    }

    /// Kills the thread of a key, as ``GreenThread/kill(throwing:waitingForEnd:)`` does. A thread that has not begun
    /// never runs.
    ///
    /// The key is free at once: another thread can be spawned for it, or its value posted. Until then, waits for the
    /// key continue. The result of the killed thread is ignored. Does not block.
    ///
    /// - Parameter key: The key.
    /// - Throws: ``DAGNotRunning`` if no thread runs for the key. ``GreenExit`` if the caller is that thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func kill(_ key: Key) throws {
        try state.kill(key)
    }
}

@available(*, unavailable)
extension DAGPool: Sendable {}
