import Green
import Testing

@Suite("An error that no thread waits for")
struct ReportTests {
    @Test
    func `is reported once, when the last handle is gone`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                var thread: GreenThread<Void>? = spawn(name: "loser") { throw Mistake(number: 7) }
                var copy = thread
                try settle()
                thread = nil
                spawn(name: "between") { throw Mistake(number: 8) }
                try settle()
                copy = nil
                precondition(thread == copy)
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 2)
        #expect(
            lines.first?.hasSuffix("'between' ended with an error that no thread waited for: Mistake(number: 8)")
                == true
        )
        #expect(
            lines.last?.hasSuffix("'loser' ended with an error that no thread waited for: Mistake(number: 7)") == true
        )
    }

    @Test
    func `is reported for a detached thread`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                detach(name: "loner") { throw Mistake(number: 3) }
                detach { throw GreenExit() }
                detach(name: "giant", stackSize: 1 << 60) {}
                try settle()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("green: detach: ") == true)
        #expect(lines.last?.hasSuffix("'loner' ended with an error: Mistake(number: 3)") == true)
    }

    @Test
    func `is not reported if a call returned it, or if it was GreenExit`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let seen = spawn { throw Mistake(number: 1) }
                _ = try? seen.wait()
                spawn { throw GreenExit() }
                let killed = spawn { try GreenThread.sleep(for: .seconds(1000)) }
                try GreenThread.yield()
                try killed.kill(waitingForEnd: true)
                spawn(after: .seconds(1000)) {}.cancel()
                var inner: GreenThread<Void>?
                detach {
                    inner = GreenThread.current
                    try GreenThread.yield()
                    throw Mistake(number: 2)
                }
                try settle()
                _ = try? inner?.wait()
            }
        }
        #expect(reports(of: child) == [])
    }
}
