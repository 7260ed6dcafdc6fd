import Green
import GreenTesting
import Testing

/// Always returns its largest number, so that a random delay is its limit.
private struct Largest: RandomNumberGenerator {
    var largest = UInt64.max  // ThreadSanitizer cannot pass on a generator without size

    mutating func next() -> UInt64 { largest }
}

@Suite("Retry")
struct RetryTests {
    /// The times of the attempts after the first one, which all fail.
    private func delays(attempts: Int, delay: Backoff) throws -> [Duration] {
        var largest = Largest()
        let start = HubInstant.now
        var times: [Duration] = []
        #expect(throws: Mistake(number: attempts)) {
            try retry(attempts: attempts, delay: delay, using: &largest) {
                times.append(start.duration(to: .now))
                throw Mistake(number: times.count)
            }
        }
        return zip(times, times.dropFirst()).map { $1 - $0 }
    }

    @Test
    func `returns the result of the first attempt that succeeds`() throws {
        try withTestHub { () throws in
            var attempts = 0
            let result = try retry {
                attempts += 1
                guard attempts == 3 else { throw Mistake(number: attempts) }
                return "ok"
            }
            #expect(result == "ok")
            #expect(attempts == 3)
        }
    }

    @Test
    func `throws the error of the last attempt`() throws {
        try withTestHub { () throws in
            let noDelay = try delays(attempts: 1, delay: .none)
            #expect(noDelay.isEmpty)
            let zeroDelays = try delays(attempts: 4, delay: .none)
            #expect(zeroDelays == [.zero, .zero, .zero])
        }
    }

    @Test
    func `doubles the limit of the delays up to the maximum`() throws {
        try withTestHub { () throws in
            let backoff = Backoff.exponential(from: .seconds(3), upTo: .seconds(20))
            let growing = try delays(attempts: 6, delay: backoff)
            #expect(growing == [3, 6, 12, 20, 20].map { .seconds($0) })
            let constant = try delays(attempts: 4, delay: .constant(.seconds(7)))
            #expect(constant == [7, 7, 7].map { .seconds($0) })
        }
    }

    @Test
    func `spreads the delays over all of zero up to the limit`() {
        let backoff = Backoff.exponential(from: .nanoseconds(2), upTo: .nanoseconds(8))
        var chance = Chance(seed: 1)
        let all = Set((0...8).map { Duration.nanoseconds($0) })
        #expect(Set((0..<2000).map { _ in backoff.delay(afterAttempt: 3, using: &chance) }) == all)
        #expect(Set((0..<2000).map { _ in backoff.delay(afterAttempt: 3) }) == all)
    }

    @Test
    func `stops when while returns false or throws`() throws {
        try withTestHub { () throws in
            var asked: [Int] = []
            var attempts = 0
            func fail() throws {
                attempts += 1
                throw Mistake(number: attempts)
            }
            #expect(throws: Mistake(number: 2)) {
                try retry(
                    attempts: 5,
                    while: { error in
                        asked.append((error as! Mistake).number)
                        return asked.count < 2
                    }
                ) { try fail() }
            }
            #expect(asked == [1, 2])
            #expect(throws: Mistake(number: 99)) {
                try retry(attempts: 5, while: { _ in throw Mistake(number: 99) }) { try fail() }
            }
            #expect(attempts == 3)
        }
    }

    @Test
    func `does not retry a kill, and a kill ends a delay`() throws {
        try withTestHub { () throws in
            var attempts = 0
            let worker = spawn {
                try retry(attempts: .max) {
                    attempts += 1
                    try GreenThread.sleep(for: .seconds(3600))
                }
            }
            try settle()
            try worker.kill()
            #expect(throws: GreenExit.self) { try worker.wait() }
            #expect(attempts == 1)
            let waiter = spawn {
                try retry(attempts: .max, delay: .constant(.seconds(3600))) { throw Mistake(number: 1) }
            }
            try settle()
            try waiter.kill(throwing: Mistake(number: 2))
            #expect(throws: Mistake(number: 2)) { try waiter.wait() }
        }
    }

    @Test
    func `never outlives a limit`() throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            var attempts = 0
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(250)) {
                    try retry(attempts: .max, delay: .constant(.milliseconds(10))) {
                        attempts += 1
                        try GreenThread.sleep(for: .milliseconds(40))
                        throw Mistake(number: attempts)
                    }
                }
            }
            #expect(start.duration(to: .now) == .milliseconds(250))
            #expect(attempts == 5)
        }
    }

    @Test
    func `retries after a limit in the body, and not after one around it`() throws {
        try withTestHub { () throws in
            let start = HubInstant.now
            var attempts = 0
            #expect(throws: Timeout.self) {
                try withTimeout(.seconds(5)) {
                    try retry(attempts: .max, delay: .none, while: isTimeout) {
                        attempts += 1
                        try withTimeout(.seconds(2)) { try GreenThread.sleep(for: .seconds(3600)) }
                    }
                }
            }
            #expect(attempts == 3)
            #expect(start.duration(to: .now) == .seconds(5))
        }
    }

    @Test
    func `does not retry a kill with an error of its own`() throws {
        try withTestHub { () throws in
            var attempts = 0
            let worker = spawn {
                try retry(attempts: .max, delay: .none) {
                    attempts += 1
                    try GreenThread.sleep(for: .seconds(3600))
                }
            }
            try settle()
            try worker.kill(throwing: Mistake(number: 5))
            #expect(throws: Mistake(number: 5)) { try worker.wait() }
            #expect(attempts == 1)
        }
    }

    @Test(arguments: [0, -1, Int.min])
    func `needs at least one attempt`(attempts: Int) throws {
        try withTestHub { () throws in
            #expect(failure { try retry(attempts: attempts) { 1 } }?.code == .invalidArgument)
        }
    }

    @Test
    func `accepts delays of any length`() throws {
        try withTestHub { () throws in
            var largest = Largest()
            let none: [Backoff] = [
                .constant(.seconds(-1)), .exponential(from: .zero), .exponential(upTo: .seconds(-5)),
            ]
            for backoff in none {
                let zeroDelays = try delays(attempts: 3, delay: backoff)
                #expect(zeroDelays == [.zero, .zero])
                let delay = backoff.delay(afterAttempt: .max, using: &largest)
                #expect(delay == .zero)
            }
            let huge = Backoff.exponential(from: .nanoseconds(1), upTo: .seconds(Int64.max))
            let hugeDelays = [Int.min, 1, 2, .max].map { huge.delay(afterAttempt: $0, using: &largest) }
            #expect(hugeDelays == [1, 1, 2, .max].map { .nanoseconds($0) })
        }
    }
}
