import Green
import GreenTesting
import Testing

@Suite("Ticks")
struct TicksTests {
    @Test(arguments: engines)
    func `do not drift, however long the work between them takes`(engine: String) throws {
        try withTestHub(engine: engine) { () throws in
            let start = HubInstant.now
            let ticks = Ticks(every: .seconds(1))
            for number in 1...100 {
                let tick = try ticks.next()
                #expect(tick == start.advanced(by: .seconds(number)))
                #expect(HubInstant.now == tick)
                try GreenThread.sleep(for: .milliseconds(number * 9))
            }
        }
    }

    @Test(arguments: [
        (Ticks.MissedTicks.skip, [10, 35, 40, 50]), (.burst, [10, 35, 35, 40]), (.delay, [10, 35, 45, 55]),
    ])
    func `that were missed follow the rule`(rule: Ticks.MissedTicks, times: [Int]) throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            let ticks = Ticks(every: .seconds(10), missed: rule)
            let taken = try (1...4).map { number in
                try ticks.next()
                let time = start.duration(to: .now)
                if number == 1 {
                    try GreenThread.sleep(for: .seconds(25))
                }
                return time
            }
            #expect(taken == times.map { .seconds($0) })
        }
    }

    @Test
    func `are a sequence`() throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            var seconds: [Duration] = []
            for tick in Ticks(every: .seconds(60), until: start.advanced(by: .seconds(180))) {
                seconds.append(start.duration(to: try tick.get()))
            }
            #expect(seconds == [.seconds(60), .seconds(120), .seconds(180)])
            #expect(start.duration(to: .now) == .seconds(180))
        }
    }

    @Test
    func `end at once if the end has passed`() throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            for end in [start, start.advanced(by: .seconds(-1)), start.advanced(by: .nanoseconds(999_999_999))] {
                #expect(try Ticks(every: .seconds(1), until: end).next() == nil)
                #expect(Array(Ticks(every: .seconds(1), until: end)).isEmpty)
            }
            #expect(HubInstant.now == start)
        }
    }

    @Test
    func `end a loop that ignores its elements when the thread is killed`() throws {
        try withTestHub { () throws in
            var rounds = 0
            let worker = spawn {
                for _ in Ticks(every: .seconds(1)) {
                    rounds += 1
                }
            }
            try GreenThread.sleep(for: .milliseconds(3500))
            try worker.kill()
            try worker.wait()
            #expect(rounds == 4)
        }
    }

    @Test
    func `stay for the next call after an interrupt`() throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            let ticks = Ticks(every: .seconds(10))
            #expect(throws: Timeout.self) { try withTimeout(.seconds(3)) { try ticks.next() } }
            #expect(try ticks.next() == start.advanced(by: .seconds(10)))
            let waiter = spawn { try ticks.next() }
            try settle()
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            #expect(try ticks.next() == start.advanced(by: .seconds(20)))
        }
    }

    @Test(arguments: [Duration.nanoseconds(Int64.max), .seconds(Int64.max), .seconds(300 * 365 * 86400)])
    func `with a huge period never come`(period: Duration) throws {
        try onHub { () throws in
            let waiter = spawn { try Ticks(every: period).next() }
            try settle()
            #expect(!waiter.isFinished)
            try waiter.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try waiter.wait() }
        }
    }

    @Test
    func `with a period of zero or less end the process`() async {
        await #expect(processExitsWith: .failure) { _ = Ticks(every: .zero) }
        await #expect(processExitsWith: .failure) { _ = Ticks(every: .seconds(-1)) }
    }
}
