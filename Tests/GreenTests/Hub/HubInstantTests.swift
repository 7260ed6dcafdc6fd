import Green
import GreenTesting
import Testing

@Suite("An instant of the hub's clock")
struct HubInstantTests {
    @Test(arguments: engines)
    func `is a deadline for a sleep`(engine: String) throws {
        try withTestHub(engine: engine) { () throws in
            let deadline = HubInstant.now.advanced(by: .seconds(3600))
            try GreenThread.sleep(until: deadline)
            #expect(HubInstant.now == deadline)
            try GreenThread.sleep(until: deadline.advanced(by: .seconds(-1)))
            #expect(HubInstant.now == deadline)
        }
    }

    @Test
    func `lets ready threads run if it has passed`() throws {
        try withTestHub { () throws in
            let other = spawn {}
            try GreenThread.sleep(until: .now)
            #expect(other.isFinished)
        }
    }

    @Test
    func `advances by positive and negative durations`() {
        let now = HubInstant.now
        for duration: Duration in [.zero, .seconds(1), .nanoseconds(1), .seconds(-5), .nanoseconds(-1)] {
            #expect(now.duration(to: now.advanced(by: duration)) == duration)
        }
        #expect(now < now.advanced(by: .nanoseconds(1)))
        #expect(now.advanced(by: .seconds(-1)) < now)
    }

    @Test
    func `rounds up, so that no deadline is too early`() {
        let now = HubInstant.now
        let attosecond = Duration(secondsComponent: 0, attosecondsComponent: 1)
        #expect(now.duration(to: now.advanced(by: attosecond)) == .nanoseconds(1))
        #expect(now.advanced(by: .zero - attosecond) == now)
    }

    @Test
    func `stays within the clock's range`() {
        let now = HubInstant.now
        let huge = Duration(secondsComponent: .max, attosecondsComponent: 0)
        let last = now.advanced(by: huge)
        let first = now.advanced(by: .zero - huge).advanced(by: .zero - huge)
        #expect(last == now.advanced(by: .nanoseconds(Int64.max)))
        #expect(last.advanced(by: huge) == last)
        #expect(first.advanced(by: .zero - huge - huge) == first)
        #expect(first < now)
        #expect(first.duration(to: last) == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
    }

    @Test
    func `never comes if it is the last one`() throws {
        try onHub { () throws in
            let last = HubInstant.now.advanced(by: .seconds(Int64.max))
            let sleeper = spawn { try GreenThread.sleep(until: last) }
            try settle()
            #expect(!sleeper.isFinished)
            try sleeper.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try sleeper.wait() }
        }
    }
}
