import Green
import GreenTesting
import Testing

@Suite("A rate limiter")
struct RateLimiterTests {
    @Test(arguments: engines)
    func `gives the burst at once, and then tokens at its rate`(engine: String) throws {
        try withTestHub(engine: engine) { () throws in
            let limiter = RateLimiter(tokens: 3, per: .seconds(30), burst: 2)
            let start = HubInstant.now
            #expect(limiter.available == 2)
            for time in [0, 0, 10, 20, 30] {
                try limiter.acquire()
                #expect(start.duration(to: .now) == .seconds(time))
            }
            #expect(try !limiter.tryAcquire())
            try GreenThread.sleep(for: .seconds(3600))
            #expect(limiter.available == 2)
            #expect(try limiter.tryAcquire(2))
            #expect(try limiter.tryAcquire(0))
            #expect(limiter.available == 0)
        }
    }

    @Test
    func `serves waiters first come, first served`() throws {
        try withTestHub { () throws in
            let limiter = RateLimiter(tokens: 1, burst: 5)
            let start = HubInstant.now
            try limiter.acquire(5)
            let waiters = [4, 1, 2].map { tokens in
                spawn {
                    try limiter.acquire(tokens)
                    return start.duration(to: .now)
                }
            }
            try settle()
            #expect(limiter.waitingCount == 3)
            #expect(try !limiter.tryAcquire())
            #expect(try waiters.map { try $0.wait() } == [.seconds(4), .seconds(5), .seconds(7)])
        }
    }

    @Test
    func `gives nothing to a thread that is interrupted`() throws {
        try withTestHub { () throws in
            let limiter = RateLimiter(tokens: 1, burst: 5)
            try limiter.acquire(5)
            let killed = spawn { try limiter.acquire(5) }
            try settle()
            let next = spawn { try limiter.acquire(2) }
            #expect(throws: Timeout.self) { try withTimeout(.seconds(1)) { try limiter.acquire() } }
            #expect(failure { try limiter.acquire(timeout: .seconds(1)) }?.code == .timedOut)
            #expect(failure { try limiter.acquire(timeout: .zero) }?.code == .timedOut)
            try killed.kill()
            #expect(throws: GreenExit.self) { try killed.wait() }
            try next.wait()
            #expect(limiter.available == 0)
        }
    }

    @Test
    func `refuses more tokens than its burst, and negative numbers`() throws {
        try withTestHub { () throws in
            let limiter = RateLimiter(tokens: 1, burst: 2)
            for tokens in [3, Int.max, -1, Int.min] {
                #expect(failure { try limiter.acquire(tokens) }?.code == .invalidArgument)
                #expect(failure { try limiter.tryAcquire(tokens) }?.code == .invalidArgument)
            }
            #expect(
                failure { try limiter.acquire(3) }?.message.contains("3 tokens of a rate limiter: its burst is 2")
                    == true
            )
            #expect(limiter.available == 2)
        }
    }

    @Test
    func `has no smallest and no largest rate`() throws {
        try withTestHub { () throws in
            let fast = RateLimiter(tokens: .max, per: .seconds(Int64.max), burst: .max)
            try fast.acquire(.max)
            try fast.acquire(1000)
            let slow = RateLimiter(tokens: 1, per: .seconds(300 * 365 * 86400))
            try slow.acquire()
            #expect(failure { try slow.acquire(timeout: .seconds(3600)) }?.code == .timedOut)
        }
    }

    @Test
    func `ends the process if its numbers are not positive`() async {
        await #expect(processExitsWith: .failure) { _ = RateLimiter(tokens: 0) }
        await #expect(processExitsWith: .failure) { _ = RateLimiter(tokens: 1, per: .zero) }
        await #expect(processExitsWith: .failure) { _ = RateLimiter(tokens: 1, burst: 0) }
    }
}
