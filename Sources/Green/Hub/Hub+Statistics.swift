internal import CGreen

extension Hub {
    /// A snapshot of the counts of one hub. A leak shows here first.
    public struct Statistics: Hashable, Sendable {
        /// Green threads that have not ended, including `main`.
        public let threads: Int
        /// Of these: ready to run.
        public let readyThreads: Int
        /// Of these: parked in a blocking call.
        public let parkedThreads: Int
        /// Of these: waiting for the delay of their spawn.
        public let delayedThreads: Int
        /// Threads that have ended and that still have a handle.
        public let handles: Int
        /// Stacks that were created.
        public let stacks: Int
        /// Of these: free for the next spawn.
        public let freeStacks: Int
        /// Pending timers of timeouts and sleeps.
        public let timers: Int
        /// Open sockets, listeners, files and processes.
        public let sockets: Int
        /// Operations that the engine has not completed.
        public let operations: Int
        /// Receive buffers that sockets hold.
        public let buffers: Int
        /// Switches from one green thread to another, since the hub was created.
        public let switches: Int
        /// Iterations of the event loop, since the hub was created.
        public let loopIterations: Int
        /// System calls of the engine, since the hub was created.
        public let systemCalls: Int
        /// Operations submitted to the engine, since the hub was created.
        public let submissions: Int
        /// Completions of operations, since the hub was created.
        public let completions: Int
        /// Calls that were posted to the hub, mostly by other OS threads, and that it has run, since the hub was
        /// created.
        public let posts: Int
        /// Waits in the kernel that such a call has ended, since the hub was created.
        public let wakes: Int
        /// Receives that found the receive memory empty and allocated their own, since the hub was created.
        public let fallbacks: Int
        /// Green threads that were started, including `main`, since the hub was created.
        public let spawnedThreads: Int
        /// The most green threads that existed at the same time, including `main`, since the hub was created. In a sum
        /// of several hubs, the sum of theirs.
        public let mostThreads: Int
        /// The longest that ready threads have kept the hub in one round of the loop, waits in the kernel left out.
        ///
        /// Measured while the ``Monitor`` is on; zero before.
        public let longestIteration: Duration
    }

    /// A snapshot of the counts of this OS thread's hub.
    ///
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` if it has none.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var statistics: Statistics {
        get throws {
            var counts = green_statistics()
            try check(unsafe green_hub_statistics(&counts))
            return Statistics(counts)
        }
    }
}

extension Hub {
    /// A snapshot of the counts of this hub, from any OS thread.
    ///
    /// The hub counts in its next loop iteration; one that waits in the kernel is woken, which the counts include. On
    /// the hub's own OS thread the call does not wait.
    ///
    /// - Parameter timeout: The maximum time to wait for the hub; nil means no limit.
    /// - Throws: A ``SystemError`` with the code `noSuchProcess` if the hub has ended, or `timedOut` if a green thread
    ///   blocks the hub for longer than the timeout. If the caller is killed or its ``Timeout`` fires while it waits,
    ///   that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func statistics(timeout: Duration? = .seconds(1)) throws -> Statistics {
        var counts = green_statistics()
        try check(unsafe green_hub_statistics_of(handle, &counts, timeout.timeout))
        return Statistics(counts)
    }

    /// The sums of the counts of all hubs of the process, and the longest of their longest iterations. Call it on any
    /// OS thread.
    ///
    /// - Parameter timeout: The maximum time to wait for the hubs; nil means no limit.
    /// - Returns: The sums, and the number of hubs that are not included because a green thread blocks them.
    /// - Throws: If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func sumOfStatistics(
        timeout: Duration? = .seconds(1)
    ) throws -> (sum: Statistics, blockedHubs: Int) {
        var counts = green_statistics()
        let blocked = try check(unsafe green_hub_statistics_all(&counts, timeout.timeout))
        return (Statistics(counts), Int(blocked))
    }
}

extension Hub.Statistics {
    init(_ counts: green_statistics) {
        threads = Int(counts.threads)
        readyThreads = Int(counts.ready)
        parkedThreads = Int(counts.parked)
        delayedThreads = Int(counts.delayed)
        handles = Int(counts.handles)
        stacks = Int(counts.stacks)
        freeStacks = Int(counts.free_stacks)
        timers = Int(counts.timers)
        sockets = Int(counts.sockets)
        operations = Int(counts.operations)
        buffers = Int(counts.buffers)
        switches = Int(counts.switches)
        loopIterations = Int(counts.loop_iterations)
        systemCalls = Int(counts.system_calls)
        submissions = Int(counts.submitted)
        completions = Int(counts.completions)
        posts = Int(counts.posts)
        wakes = Int(counts.wakes)
        fallbacks = Int(counts.fallbacks)
        spawnedThreads = Int(counts.spawned)
        mostThreads = Int(counts.most_threads)
        longestIteration = .nanoseconds(counts.longest_iteration)
    }
}
