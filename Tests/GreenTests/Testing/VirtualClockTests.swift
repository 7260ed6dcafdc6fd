import Green
import GreenTesting
import Testing

@Suite("The virtual clock")
struct VirtualClockTests {
    @Test(arguments: engines)
    func `lets sleeps elapse at once, in the order of their deadlines`(engine: String) throws {
        try withTestHub(engine: engine) {
            #expect(TestClock.isVirtual)
            let start = TestClock.now
            var order: [Int] = []
            let sleepers = [3, 1, 1000, 2].map { hours in
                spawn {
                    try GreenThread.sleep(for: .seconds(3600 * hours))
                    order.append(hours)
                }
            }
            for sleeper in sleepers {
                try sleeper.wait()
            }
            #expect(order == [1, 2, 3, 1000])
            #expect(TestClock.now - start == .seconds(3600 * 1000))
        }
    }

    @Test(arguments: engines)
    func `ends a read after its timeout, and before it when bytes come`(engine: String) throws {
        try withTestHub(engine: engine) {
            let (near, far) = try Socket.pair()
            defer {
                near.close()
                far.close()
            }
            let start = TestClock.now
            let writer = spawn(after: .seconds(90)) { try far.write("late\n") }
            #expect(throws: Timeout.self) { try withTimeout(.seconds(60)) { try near.readLine() } }
            #expect(TestClock.now - start == .seconds(60))
            let line = try withTimeout(.seconds(60)) { try near.readLine() }
            #expect(line == "late")
            #expect(TestClock.now - start == .seconds(90))
            try writer.wait()
        }
    }

    @Test
    func `stands still while an offloaded call runs`() throws {
        try withTestHub {
            let sleeper = spawn { try GreenThread.sleep(for: .seconds(3600)) }
            #expect(try offload { 7 } == 7)
            #expect(!sleeper.isFinished)
            try sleeper.wait()
        }
    }

    @Test
    func `advances in real time where the test asks for it`() throws {
        try withTestHub {
            let real = ContinuousClock.now
            let start = TestClock.now
            try TestClock.withRealTime { try GreenThread.sleep(for: .milliseconds(2)) }
            #expect(ContinuousClock.now - real >= .milliseconds(2))
            #expect(TestClock.now - start >= .milliseconds(2))
        }
    }

    @Test
    func `ages the resources of a pool`() throws {
        try withTestHub {
            var destroyed = 0
            let pool = try ResourcePool(maximumIdle: .seconds(3600), create: { 1 }, destroy: { _ in destroyed += 1 })
            try pool.withItem { _ in }
            let start = TestClock.now
            try GreenThread.sleep(for: .seconds(3599))
            #expect(destroyed == 0)
            try GreenThread.sleep(for: .seconds(2))
            #expect(destroyed == 1)
            #expect(TestClock.now - start == .seconds(3601))
        }
    }

    @Test
    func `is off where the test does not want it`() throws {
        try withTestHub(virtualClock: false) {
            let real = ContinuousClock.now
            #expect(!TestClock.isVirtual)
            try GreenThread.sleep(for: .milliseconds(2))
            #expect(ContinuousClock.now - real >= .milliseconds(2))
        }
    }
}

/// The engines that this system has.
let engines: [String] = ["epoll", "uring"].filter { engine in
    (try? withTestHub(engine: engine) {}) != nil
}
