import CGreen
import Glibc
import Green
import Testing

/// What a thread that C has made hands to Swift, and what it is to return.
private final class Errand {
    let result: Int32
    var thread: GreenThread<Void>?

    init(result: Int32) {
        self.result = result
    }
}

@Suite("A green thread that C has made")
struct ForeignThreadTests {
    /// A thread that returns the number once it has told Swift who it is.
    private func foreignThread(returning result: Int32) throws -> GreenThread<Void> {
        let errand = Errand(result: result)
        let error = unsafe green_detach(
            { errand in
                let errand = unsafe Unmanaged<Errand>.fromOpaque(errand!).takeRetainedValue()
                errand.thread = GreenThread.current
                // So that it is not over before somebody waits.
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
    func `ends with what it returns`() throws {
        try onHub { () throws in
            try foreignThread(returning: 3).wait()
            let refused = try foreignThread(returning: -ECONNREFUSED)
            #expect(failure { try refused.wait() }?.code == .connectionRefused)
        }
    }

    @Test
    func `by a timeout of its own is not taken for the last one of who waits`() throws {
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
    func `by a kill is not taken for killed with the reason of who waits`() throws {
        try onHub { () throws in
            let thread = try foreignThread(returning: -ECANCELED)
            var error: (any Error)?
            let waiter = spawn {
                // Swift would have asked for the reason.
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
}
