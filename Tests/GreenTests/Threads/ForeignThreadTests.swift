import CGreen
import Glibc
import Green
import Testing

/// What a C thread passes to Swift, and the result it returns.
private final class Errand {
    let result: Int32
    var thread: GreenThread<Void>?

    init(result: Int32) {
        self.result = result
    }
}

@Suite("A green thread spawned by C")
struct ForeignThreadTests {
    /// A C thread that passes its handle to Swift, and then returns the number.
    private func foreignThread(returning result: Int32) throws -> GreenThread<Void> {
        let errand = Errand(result: result)
        let error = unsafe green_detach(
            { errand in
                let errand = unsafe Unmanaged<Errand>.fromOpaque(errand!).takeRetainedValue()
                errand.thread = GreenThread.current
                // So that it has not ended when another thread waits.
                _ = green_yield()
                return errand.result
            },
            Unmanaged.passRetained(errand).toOpaque()
        )
        try #require(error == 0)
        try GreenThread.yield()
        return try #require(errand.thread)
    }

    @Test
    func `ends with its result`() throws {
        try onHub { () throws in
            try foreignThread(returning: 3).wait()
            let refused = try foreignThread(returning: -ECONNREFUSED)
            #expect(failure { try refused.wait() }?.code == .connectionRefused)
        }
    }

    @Test
    func `by its own timeout does not throw the last timeout of the waiter`() throws {
        try onHub { () throws in
            let inTime: Bool = try withTimeout(.zero, default: false) {
                try GreenThread.sleep(for: .seconds(1000))
                return true
            }
            #expect(!inTime)
            let thread = try foreignThread(returning: -ETIME)
            let error = failure { try thread.wait() }
            #expect(error?.code == .timeout)
            #expect(error?.message == "\(thread) ended by its own timeout (ETIME)")
        }
    }

    @Test
    func `by a kill does not throw the reason of a kill of the waiter`() throws {
        try onHub { () throws in
            let thread = try foreignThread(returning: -ECANCELED)
            var error: (any Error)?
            let waiter = spawn {
                // Swift would have taken the reason.
                _ = green_sleep(1000 * GREEN_SECOND)
                do {
                    try thread.wait()
                } catch let thrown {
                    error = thrown
                }
            }
            try GreenThread.yield()
            try waiter.kill(throwing: Mistake(number: 1), waitingForEnd: true)
            #expect(error is GreenExit, "\(String(describing: error))")
        }
    }

    @Test
    func `is reported if it ended with an error that a kill waited for but did not return`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let refused = try ForeignThreadTests().foreignThread(returning: -ECONNREFUSED)
                try refused.kill(waitingForEnd: true)
                let waitedFor = try ForeignThreadTests().foreignThread(returning: -ECONNREFUSED)
                try waitedFor.kill(waitingForEnd: true)
                _ = try? waitedFor.wait()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 1)
        #expect(lines.first?.contains("ended with an error that no thread waited for") == true, "\(lines)")
    }
}
