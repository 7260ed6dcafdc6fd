#if Metrics
public import CoreMetrics
public import Green

/// Publishes the statistics of hubs as metrics of swift-metrics, in a green thread.
///
/// ```swift
/// let hubs = try HubPool()
/// let metrics = HubMetrics(of: hubs)
/// spawn { try metrics.run(every: .seconds(10)) }
/// ```
///
/// Each metric has the dimension `hub`, the name of its hub, so give hubs different names. `HubPool` does.
///
/// | gauge | `Hub.Statistics` |
/// | --- | --- |
/// | `green_threads` | `threads` |
/// | `green_threads_ready` | `readyThreads` |
/// | `green_threads_parked` | `parkedThreads` |
/// | `green_threads_delayed` | `delayedThreads` |
/// | `green_thread_handles` | `handles` |
/// | `green_stacks` | `stacks` |
/// | `green_stacks_free` | `freeStacks` |
/// | `green_timers` | `timers` |
/// | `green_sockets` | `sockets` |
/// | `green_operations` | `operations` |
/// | `green_receive_buffers` | `buffers` |
/// | `green_longest_iteration_seconds` | `longestIteration`; 0 while the `Monitor` is off |
/// | `green_hub_blocked` | 1 if a green thread has blocked the hub for longer than the timeout, else 0 |
///
/// | counter | `Hub.Statistics` |
/// | --- | --- |
/// | `green_switches_total` | `switches` |
/// | `green_loop_iterations_total` | `loopIterations` |
/// | `green_system_calls_total` | `systemCalls` |
/// | `green_submissions_total` | `submissions` |
/// | `green_completions_total` | `completions` |
/// | `green_posts_total` | `posts` |
/// | `green_wakes_total` | `wakes` |
/// | `green_receive_fallbacks_total` | `fallbacks` |
///
/// Make one object for a hub, because each counts from zero. Any OS thread may use it. It refers to its hubs, so their
/// waits do not count as deadlocks.
public final class HubMetrics: Sendable {
    private let hubs: [PublishedHub]

    /// Makes the metrics of hubs. Publishes nothing yet.
    ///
    /// - Parameters:
    ///   - hubs: The hubs, such as a `HubPool`.
    ///   - factory: Makes the metrics; nil means the factory with which the program has bootstrapped swift-metrics.
    public init(of hubs: some Sequence<Hub>, factory: (any MetricsFactory)? = nil) {
        let factory = factory ?? MetricsSystem.factory
        self.hubs = hubs.map { PublishedHub($0, factory: factory) }
    }

    /// Publishes the statistics of all hubs once.
    ///
    /// Blocks until each hub has answered; a hub that waits in the kernel is woken. Skips hubs that have ended.
    ///
    /// - Parameter timeout: The maximum time to wait for each hub.
    /// - Throws: If the caller is killed or its `Timeout` fires while it waits, that error.
    @available(*, noasync)
    public func publish(timeout: Duration = .seconds(1)) throws {
        for hub in hubs {
            try hub.publish(timeout: timeout)
        }
    }

    /// Publishes the statistics of all hubs at once and then periodically, until the calling green thread is killed.
    ///
    /// - Parameter interval: The time between two publications. A hub that does not answer within this time is blocked.
    /// - Throws: If the caller is killed or its `Timeout` fires, that error.
    @available(*, noasync)
    public func run(every interval: Duration = .seconds(10)) throws -> Never {
        while true {
            try publish(timeout: interval)
            try GreenThread.sleep(for: interval)
        }
    }
}
#endif
