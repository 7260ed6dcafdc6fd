import Green
import Testing

/// Those beyond 292 years are as good as that, and negative ones are none.
@Suite("A duration of any length")
struct DurationTests {
    static let long: [Duration] = [
        .nanoseconds(Int64.max), .seconds(Int64.max), .seconds(1e20), .seconds(Int64.max) * 18,
    ]
    static let short: [Duration] = [.zero, .nanoseconds(Int64.min), .seconds(Int64.min), .seconds(Int64.min) * 18]

    private final class Resource {}

    @Test(arguments: long + short)
    func `is a timeout`(duration: Duration) throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            near.readTimeout = duration
            near.writeTimeout = duration
            #expect(near.readTimeout == min(max(duration, .zero), .nanoseconds(Int64.max)))
            try far.write("x")
            let thread = spawn { 1 }
            try settle()
            #expect(try thread.wait(timeout: duration) == 1)
            #expect(try GreenThread.wait(all: [thread], timeout: duration) == [1])
            #expect(try GreenThread.wait(any: [thread], timeout: duration) == thread)
            #expect(try withTimeout(duration) { 1 } == 1)
            let timeout = Timeout(duration)
            #expect(!timeout.description.isEmpty)
            timeout.cancel()
            let queue = Queue<Int>(capacity: 1)
            try queue.put(1, timeout: duration)
            #expect(try queue.get(timeout: duration) == 1)
            try Semaphore().acquire(timeout: duration)
            try GreenPool().waitAll(timeout: duration)
            #expect(failure { try GreenDirectory.contents(of: "/nowhere", timeout: duration) } != nil)
            let listener = try listen(on: "127.0.0.1:0")
            #expect(try listener.stop(draining: duration) == 0)
        }
    }

    @Test(arguments: long)
    func `is a delay`(duration: Duration) throws {
        try onHub { () throws in
            let delayed = spawn(after: duration) { 1 }
            #expect(failure { try delayed.wait(timeout: .zero) }?.code == .timedOut)
            delayed.cancel()
            let sleeper = spawn { try GreenThread.sleep(for: duration) }
            try settle()
            #expect(!sleeper.isFinished)
            try sleeper.kill()
            #expect(throws: GreenExit.self) { try sleeper.wait() }
        }
    }

    @Test(arguments: long + short)
    func `is the age of a resource, and the idle time of a native thread`(duration: Duration) throws {
        try onHub { () throws in
            let pool = try ResourcePool(maximumIdle: duration, maximumAge: duration) { Resource() }
            for _ in 0..<2 {
                try pool.put(pool.get())
            }
            #expect(pool.idle == (duration > .zero ? 1 : 0))
            pool.clear()
            #expect(try OffloadPool(threads: 1, idle: duration).run { 1 } == 1)
        }
    }
}
