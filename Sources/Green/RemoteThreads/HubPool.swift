internal import CGreen

/// Hubs on OS threads of their own, to use several cores.
///
/// ```swift
/// let hubs = try HubPool()
/// let threads = hubs.map { hub in hub.spawn { try work() } }
/// let results = try threads.map { try $0.wait() }
/// try hubs.close()
/// ```
///
/// A pool is a collection of its hubs, which are named ("hub-0").
/// ``serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)`` uses all of them. The
/// OS thread that made the pool is not part of it.
///
/// The OS threads block all signals, except those of faults, `SIGPROF` and `SIGURG`, so that signals reach the other
/// threads of the process; ``GreenProcess`` starts programs with no signal blocked. A hub of a pool never reports a
/// deadlock, because other OS threads could end its waits.
///
/// When the last reference is released, each hub ends when its last green thread has ended. Any OS thread may use a
/// pool.
@safe
public final class HubPool: Sendable {
    /// Owned. The core's pool may be used by any OS thread.
    @safe nonisolated(unsafe) let handle: OpaquePointer

    /// The hubs of the pool.
    public let hubs: [Hub]

    /// Starts OS threads and creates their hubs. Nil selects the default of a parameter.
    ///
    /// Blocks until all hubs are made; an interrupt does not end it, and stays pending. If one of them fails, those
    /// that were made have ended when this throws.
    ///
    /// - Parameters:
    ///   - count: The number of hubs, from 1 to 1024; nil means the number of CPUs that the caller may use. A limit
    ///     of CPU time, such as of a container, does not count.
    ///   - name: The name of the hubs and of their OS threads in dumps, debuggers and `top`, to which a number is
    ///     added; at most 10 bytes of it.
    ///   - pinned: Whether to bind each hub to one of these CPUs, in turn.
    ///   - engine: The I/O engine, as in ``Hub/open(engine:entries:receiveMemory:stackSize:warmStacks:name:)``.
    ///   - entries: Submission queue entries of each hub, a power of two up to 32768; 256 by default.
    ///   - receiveMemory: Bytes of receive memory of each hub, at least 64 KiB; 4 MiB by default.
    ///   - stackSize: Bytes of address space for the stack of a green thread whose spawn names no size, at least 64
    ///     KiB; 1 MiB by default.
    ///   - warmStacks: Free stacks of each hub that keep their memory for the next spawn, at least one; 1024 by
    ///     default.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if a parameter is out of range,
    ///   `resourceTemporarilyUnavailable` if the system cannot start so many OS threads, `tooManyOpenFiles`,
    ///   `noMemory`, or another code of ``Hub/open(engine:entries:receiveMemory:stackSize:warmStacks:name:)``. The
    ///   message says which hub failed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(
        count: Int? = nil,
        name: String = "hub",
        pinned: Bool = false,
        engine: String? = nil,
        entries: Int? = nil,
        receiveMemory: Int? = nil,
        stackSize: Int? = nil,
        warmStacks: Int? = nil
    ) throws {
        var handle: OpaquePointer?
        try unsafe withHubOptions(
            engine: engine,
            entries: entries,
            receiveMemory: receiveMemory,
            stackSize: stackSize,
            warmStacks: warmStacks
        ) { hub in
            var options = unsafe green_hub_pool_options()
            unsafe options.count = try checked(count, "count", atLeast: 1) ?? 0
            unsafe options.pinned = pinned
            unsafe options.hub = unsafe hub.pointee
            let result = unsafe printableName(name).withCString {
                unsafe options.name = unsafe $0
                return unsafe green_hub_pool_make(&handle, &options)
            }
            try check(result)
        }
        let pool = unsafe handle!
        unsafe self.handle = pool
        hubs = unsafe (0..<green_hub_pool_count(pool)).map {
            unsafe Hub(owning: green_hub_retain(green_hub_pool_hub(pool, $0)))
        }
    }

    deinit {
        unsafe green_hub_pool_release(handle)
    }

    /// Returns the hubs one after the other, to distribute work. Does not block.
    public func next() -> Hub {
        unsafe Hub(owning: green_hub_retain(green_hub_pool_next(handle)))
    }

    /// Ends the hubs: waits for their green threads to end, kills those that are left at the end of `grace`, and waits
    /// until all OS threads have ended. Call it on any OS thread, except those of the pool.
    ///
    /// Once it kills, other OS threads cannot spawn threads on the hubs. A thread that catches its kill and continues
    /// delays the end. Several calls may wait at the same time; the shortest limit counts.
    ///
    /// - Parameter grace: How long the green threads may continue to run; nil means no limit.
    /// - Returns: The number of threads that were killed, once: other calls return 0.
    /// - Throws: ``DeadlockError`` if the caller is a thread of the pool. If the caller is killed or its ``Timeout``
    ///   fires while it waits, that error; the hubs end when their threads have ended.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func close(drainingFor grace: Duration? = nil) throws -> Int {
        Int(try check(unsafe green_hub_pool_close(handle, grace.timeout)))
    }

    /// Snapshots of the counts of the hubs, in their order.
    ///
    /// - Parameter timeout: The maximum time to wait for each hub; nil means no limit.
    /// - Throws: The errors of ``Hub/statistics(timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func statistics(timeout: Duration? = .seconds(1)) throws -> [Hub.Statistics] {
        try hubs.map { try $0.statistics(timeout: timeout) }
    }
}

extension HubPool: RandomAccessCollection {
    public var startIndex: Int { hubs.startIndex }

    public var endIndex: Int { hubs.endIndex }

    public subscript(index: Int) -> Hub { hubs[index] }
}
