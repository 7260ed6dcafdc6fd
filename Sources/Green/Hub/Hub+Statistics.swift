internal import CGreen

extension Hub {
    /// Counts of one hub at one moment. A leak shows here first.
    public struct Statistics: Hashable, Sendable {
        /// Green threads that have not ended, `main` included.
        public let threads: Int
        /// Of these: runnable now.
        public let readyThreads: Int
        /// Of these: waiting.
        public let parkedThreads: Int
        /// Of these: yet to begin, after a delay.
        public let delayedThreads: Int
        /// Threads that have ended and whose handle is still held.
        public let handles: Int
        /// Stacks ever made.
        public let stacks: Int
        /// Of these: waiting for the next spawn.
        public let freeStacks: Int
        /// Pending deadlines and sleeps.
        public let timers: Int
        /// Open sockets, listeners, files and processes.
        public let sockets: Int
        /// Operations that the engine has not completed.
        public let operations: Int
        /// Receive buffers that a socket holds.
        public let buffers: Int
        /// From one green thread to another, since the hub was made.
        public let switches: Int
        /// Iterations of the event loop, since the hub was made.
        public let loopIterations: Int
        /// Calls of the engine into the kernel, since the hub was made.
        public let systemCalls: Int
        /// Operations given to the engine, since the hub was made.
        public let submissions: Int
        /// Results of operations, since the hub was made.
        public let completions: Int
        /// Receives that found the receive memory empty and used their own, since the hub was made.
        public let fallbacks: Int
        /// The longest that ready threads have kept the hub in one round of the loop, waits in the kernel left out.
        ///
        /// Measured while the ``Monitor`` is on; zero before.
        public let longestIteration: Duration
    }

    /// The counts of this OS thread's hub now.
    ///
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` when it has none.
    @available(*, noasync)
    public static var statistics: Statistics {
        get throws {
            var counts = green_statistics()
            try check(unsafe green_hub_statistics(&counts))
            return Statistics(counts)
        }
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
        fallbacks = Int(counts.fallbacks)
        longestIteration = .nanoseconds(counts.longest_iteration)
    }
}
