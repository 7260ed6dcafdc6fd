#if Metrics
internal import CoreMetrics
internal import Green
internal import Synchronization

/// The metrics of one hub.
final class PublishedHub: Sendable {
    private typealias Value = any KeyPath<Hub.Statistics, Int> & Sendable

    private struct Published {
        let metric: @Sendable (Int) -> Void
        let value: Value
    }

    private let hub: Hub
    private let gauges: [Published]
    private let counters: [Published]
    private let longestIteration: Gauge
    private let blocked: Gauge
    /// What the counters have counted.
    private let last = Mutex<Hub.Statistics?>(nil)

    init(_ hub: Hub, factory: any MetricsFactory) {
        let dimensions = [("hub", hub.name)]
        func gauge(_ label: String) -> Gauge {
            Gauge(label: label, dimensions: dimensions, factory: factory)
        }
        self.hub = hub
        gauges = PublishedHub.gauges.map { label, value in
            let gauge = gauge(label)
            return Published(metric: { gauge.record($0) }, value: value)
        }
        counters = PublishedHub.counters.map { label, value in
            let counter = Counter(label: label, dimensions: dimensions, factory: factory)
            return Published(metric: { counter.increment(by: $0) }, value: value)
        }
        longestIteration = gauge("green_longest_iteration_seconds")
        blocked = gauge("green_hub_blocked")
    }

    func publish(timeout: Duration) throws {
        do {
            publish(try hub.statistics(timeout: timeout))
            blocked.record(0)
        } catch let error as SystemError where error.code == .timedOut {
            blocked.record(1)
        } catch let error as SystemError where error.code == .noSuchProcess {
            // The hub has ended.
        }
    }

    private func publish(_ now: Hub.Statistics) {
        for gauge in gauges {
            gauge.metric(now[keyPath: gauge.value])
        }
        longestIteration.record(now.longestIteration / .seconds(1))
        last.withLock { last in
            for counter in counters {
                counter.metric(now[keyPath: counter.value] - (last?[keyPath: counter.value] ?? 0))
            }
            last = now
        }
    }
}

extension PublishedHub {
    private static let gauges: [(String, Value)] = [
        ("green_threads", \.threads),
        ("green_threads_ready", \.readyThreads),
        ("green_threads_parked", \.parkedThreads),
        ("green_threads_delayed", \.delayedThreads),
        ("green_thread_handles", \.handles),
        ("green_stacks", \.stacks),
        ("green_stacks_free", \.freeStacks),
        ("green_timers", \.timers),
        ("green_sockets", \.sockets),
        ("green_operations", \.operations),
        ("green_receive_buffers", \.buffers),
    ]

    private static let counters: [(String, Value)] = [
        ("green_switches_total", \.switches),
        ("green_loop_iterations_total", \.loopIterations),
        ("green_system_calls_total", \.systemCalls),
        ("green_submissions_total", \.submissions),
        ("green_completions_total", \.completions),
        ("green_posts_total", \.posts),
        ("green_wakes_total", \.wakes),
        ("green_receive_fallbacks_total", \.fallbacks),
    ]
}
#endif
