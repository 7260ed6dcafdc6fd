import Green
import GreenMetrics
import MetricsTestKit
import Testing

@Suite("GreenMetrics")
struct MetricsTests {
    @Test
    func `publishes the statistics of each hub, counters since the last time`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let factory = TestMetrics()
                let hubs = try HubPool(count: 2, name: "h")
                let metrics = HubMetrics(of: hubs, factory: factory)
                let sleeper = hubs[1].spawn { try GreenThread.sleep(for: .seconds(1000)) }
                try hubs[1].spawn {}.wait()
                try metrics.publish(timeout: .seconds(100))
                let second = [("hub", "h-1")]
                let parked = try factory.expectGauge("green_threads_parked", second)
                let idle = try factory.expectGauge("green_threads_parked", [("hub", "h-0")])
                require(parked.lastValue! == idle.lastValue! + 1)
                let switches = try factory.expectCounter("green_switches_total", second)
                let before = switches.totalValue
                try require(before > 0 && before <= hubs[1].statistics(timeout: nil).switches)
                try hubs[1].spawn { for _ in 0..<100 { try GreenThread.yield() } }.wait()
                try metrics.publish(timeout: .seconds(100))
                require(switches.totalValue > before)
                try require(switches.totalValue <= hubs[1].statistics(timeout: nil).switches)
                try require(factory.expectGauge("green_hub_blocked", second).lastValue == 0)
                try sleeper.kill()
                try hubs.close()
            }
        }
    }

    @Test
    func `says that a hub is blocked, and leaves out one that has ended`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let factory = TestMetrics()
                let hubs = try HubPool(count: 1, name: "h")
                let metrics = HubMetrics(of: hubs, factory: factory)
                let isBlocked = Flag()
                let isFree = Flag()
                let blocker = hubs[0].spawn {
                    isBlocked.set()
                    while !isFree.isSet {}
                }
                while !isBlocked.isSet {}
                try metrics.publish(timeout: .milliseconds(1))
                let blocked = try factory.expectGauge("green_hub_blocked", [("hub", "h-0")])
                require(blocked.lastValue == 1)
                isFree.set()
                try blocker.wait()
                try metrics.publish(timeout: .seconds(100))
                require(blocked.lastValue == 0)
                try hubs.close()
                let count = blocked.values.count
                try metrics.publish(timeout: .seconds(100))
                require(blocked.values.count == count)
            }
        }
    }

    @Test
    func `publishes periodically until its thread is killed`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let factory = TestMetrics()
                let hubs = try HubPool(count: 1, name: "h")
                let metrics = HubMetrics(of: hubs, factory: factory)
                let publisher = spawn { try metrics.run(every: .milliseconds(1)) }
                let gauge = try factory.expectGauge("green_threads", [("hub", "h-0")])
                while gauge.values.count < 5 { try GreenThread.sleep(for: .milliseconds(1)) }
                try publisher.kill()
                do {
                    try publisher.wait()
                } catch is GreenExit {}
                try hubs.close()
            }
        }
    }
}
