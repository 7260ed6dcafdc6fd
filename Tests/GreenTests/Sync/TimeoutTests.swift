import Green
import Testing

/// The timeout that the body throws.
private func timeout<Value>(of body: () throws -> Value) -> Timeout? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? Timeout
    }
}

@Suite("A timeout")
struct TimeoutTests {
    @Test
    func `interrupts a blocking call when it expires, and throws itself`() throws {
        try onHub { () throws in
            let limit = Timeout(.milliseconds(1))
            #expect(limit.isPending)
            #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) } === limit)
            #expect(!limit.isPending)
            try GreenThread.sleep(for: .milliseconds(2))
        }
    }

    @Test
    func `of zero or less fires as soon as its thread blocks`() throws {
        try onHub { () throws in
            for duration in [Duration.zero, .seconds(-1)] {
                let limit = Timeout(duration)
                #expect(limit.isPending, "nothing has blocked yet")
                #expect(timeout { try GreenThread.yield() } === limit)
                try GreenThread.yield()
            }
        }
    }

    @Test
    func `of nil never fires`() throws {
        try onHub { () throws in
            let limit = Timeout(nil)
            #expect(!limit.isPending)
            try GreenThread.sleep(for: .milliseconds(2))
            limit.cancel()
            limit.start()
            #expect(limit.duration == nil)
            #expect("\(limit)" == "a timeout that never fires")
        }
    }

    @Test
    func `does not interrupt code that does not block, and never fires once canceled`() throws {
        try onHub { () throws in
            let limit = Timeout(.zero)
            let late = Timeout(.milliseconds(1))
            let start = ContinuousClock.now
            while start.duration(to: .now) < .milliseconds(3) {}
            limit.cancel()
            late.cancel()
            try GreenThread.yield()
            try GreenThread.sleep(for: .milliseconds(1))
        }
    }

    @Test
    func `throws another error in place of itself`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let incident = Incident(ledger.make())
            Timeout(.milliseconds(1), throwing: incident)
            #expect(#expect(throws: Incident.self) { try GreenThread.sleep(for: .seconds(1000)) } === incident)
            Timeout(.zero, throwing: GreenExit())
            let thread = spawn { try GreenThread.yield() }
            #expect(throws: GreenExit.self) { try thread.wait() }
            try thread.wait()
        }
        #expect(ledger.gone == 1)
    }

    @Test
    func `can be canceled, any number of times, and started again`() throws {
        try onHub { () throws in
            let limit = Timeout(.milliseconds(1))
            limit.cancel()
            #expect(!limit.isPending)
            limit.cancel()
            try GreenThread.sleep(for: .milliseconds(2))
            for _ in 0..<2 {
                limit.start()
                #expect(limit.isPending)
                #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) } === limit)
            }
            limit.cancel()
            #expect(!limit.isPending)
        }
    }

    @Test
    func `interrupts only the thread that starts it`() throws {
        try onHub { () throws in
            let limit = Timeout(.seconds(1000))
            limit.cancel()
            let other = spawn { try GreenThread.sleep(for: .milliseconds(5)) }
            let thread = spawn { () -> Timeout? in
                Timeout(.milliseconds(1), throwing: Mistake(number: 1))
                limit.start()
                defer { limit.cancel() }
                return timeout { try GreenThread.sleep(for: .seconds(1000)) }
            }
            #expect(try thread.wait() == nil, "its own error came first")
            try other.wait()
            #expect(!limit.isPending)
        }
    }

    @Test
    func `fires even if no reference to it remains`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            Timeout(.milliseconds(1))
            #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) }?.duration == .milliseconds(1))
            Timeout(.milliseconds(1), throwing: Incident(ledger.make()))
            #expect(ledger.gone == 0)
            #expect(throws: Incident.self) { try GreenThread.sleep(for: .seconds(1000)) }
        }
        #expect(ledger.gone == 1)
    }

    @Test
    func `is released once it was canceled, has fired or its thread has ended`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            func incident() -> Incident { Incident(ledger.make()) }
            Timeout(.seconds(1000), throwing: incident()).cancel()
            #expect(ledger.gone == 1)
            Timeout(.zero, throwing: incident()).cancel()
            #expect(ledger.gone == 2)
            #expect(throws: Incident.self) {
                Timeout(.zero, throwing: incident())
                try GreenThread.yield()
            }
            #expect(ledger.gone == 3)
            var kept: Timeout?
            let thread = spawn {
                Timeout(.seconds(1000), throwing: incident())
                Timeout(.zero, throwing: incident())
                kept = Timeout(.seconds(1000), throwing: incident())
            }
            try thread.wait()
            #expect(ledger.gone == 5)
            #expect(kept?.isPending == false)
            kept?.cancel()
            #expect(ledger.gone == 5)
            kept?.start()
            kept?.cancel()
            kept = nil
            #expect(ledger.gone == 6)
        }
        #expect(ledger.made == 6)
        #expect(ledger.gone == 6)
    }

    @Test
    func `that outlives its thread is not reported`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                detach { Timeout(.milliseconds(1)) }
                try spawn { () -> Void in Timeout(.milliseconds(1), throwing: Mistake(number: 1)) }.wait()
                try GreenThread.sleep(for: .milliseconds(10))
                let ledger = Ledger()
                let limit = Timeout(.seconds(1000), throwing: Incident(ledger.make()))
                Timeout(.zero, throwing: Incident(ledger.make()))
                try Hub.close()
                precondition(!limit.isPending, "it ends with the hub of an OS thread's own context")
                precondition(ledger.gone == 1)
                withExtendedLifetime(limit) {}
            }
        }
        #expect(reports(of: child) == [])
    }

    @Test
    func `interrupts every kind of blocking call without side effects`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let listener = try listen(on: "127.0.0.1:0")
            let sleeper = spawn { try GreenThread.sleep(for: .seconds(1000)) }
            let event = Event<Int>()
            let semaphore = Semaphore(permits: 0)
            let capped = CappedSemaphore(permits: 1, limit: 1)
            let group = GreenGroup([sleeper])
            let queue = Queue<Int>()
            let calls: [(String, () throws -> Void)] = [
                ("yield", { try GreenThread.yield() }),
                ("sleep", { try GreenThread.sleep(for: .seconds(1000)) }),
                ("read", { _ = try right.read(upTo: 1) }),
                ("readExactly", { _ = try right.readExactly(10) }),
                ("readLine", { _ = try right.readLine() }),
                ("write", { try left.write([UInt8](repeating: 0, count: 8 << 20)) }),
                ("accept", { _ = try listener.accept() }),
                ("serve", { try serve(listener) { _, _ in } }),
                ("wait for a descriptor", { try GreenThread.wait(for: listener.fileDescriptor, .readable) }),
                ("wait for a thread", { try sleeper.wait() }),
                ("wait for any", { _ = try GreenThread.wait(any: [sleeper]) }),
                ("wait for all", { try GreenThread.wait(all: [sleeper]) }),
                ("next of a group", { _ = try group.next() }),
                ("event", { try event.wait() }),
                ("acquire", { try semaphore.acquire() }),
                ("release", { try capped.release() }),
                ("get", { _ = try queue.get() }),
            ]
            try settle()
            for duration in [Duration.zero, .milliseconds(1)] {
                for (name, call) in calls where duration == .zero || name != "yield" {
                    let limit = Timeout(duration)
                    #expect(timeout(of: call) === limit, "\(name)")
                    #expect(!limit.isPending)
                }
            }
            #expect(event.waitingCount == 0)
            #expect(semaphore.waitingCount == 0)
            #expect(capped.releasingCount == 0)
            #expect(group.count == 1)
            let client = try connect(to: listener.address)
            try listener.accept().write("hello\n")
            #expect(try client.readLine() == "hello")
            try sleeper.kill(waitingForEnd: true)
        }
    }

    @Test
    func `of two, the first to expire counts, and each fires once`() throws {
        try onHub { () throws in
            let short = Timeout(.milliseconds(1))
            let long = Timeout(.milliseconds(2))
            #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) } === short)
            #expect(long.isPending)
            #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) } === long)
            try GreenThread.sleep(for: .milliseconds(1))
        }
    }

    @Test
    func `that expires at the same time as another is thrown by the next call`() throws {
        try onHub { () throws in
            let limits = (0..<3).map { _ in Timeout(.zero) }
            for limit in limits {
                #expect(timeout { try GreenThread.sleep(for: .seconds(1000)) } === limit)
            }
            try GreenThread.yield()
            let (first, second) = (Timeout(.zero), Timeout(.zero))
            #expect(timeout { try GreenThread.yield() } === first)
            second.cancel()
            try GreenThread.yield()
        }
    }

    @Test
    func `and a kill are both thrown, one after the other`() throws {
        try onHub { () throws in
            var errors: [any Error] = []
            let thread = spawn {
                Timeout(.zero)
                for _ in 0..<3 {
                    do {
                        try GreenThread.yield()
                    } catch {
                        errors.append(error)
                    }
                }
            }
            let killer = spawn { try thread.kill(throwing: Mistake(number: 1)) }
            try killer.wait()
            try thread.wait()
            #expect(errors.count == 2)
            #expect(errors.contains { $0 is Timeout })
            #expect(errors.contains { $0 as? Mistake == Mistake(number: 1) })
        }
    }

    @Test
    func `is equal only to itself`() throws {
        try onHub { () throws in
            let limits = (0..<2).map { _ in Timeout(.seconds(1000)) }
            #expect(limits[0] != limits[1])
            #expect(Set(limits + limits).count == 2)
            let hash = limits[0].hashValue
            limits.forEach { $0.cancel() }
            limits[0].start()
            #expect(limits[0].hashValue == hash)
            limits[0].cancel()
        }
    }

    @Test
    func `says its duration`() throws {
        try onHub { () throws in
            let limit = Timeout(.seconds(5))
            limit.cancel()
            #expect("\(limit)" == "timed out after 5.0 seconds")
            #expect(limit.duration == .seconds(5))
            let error = timeout { try withTimeout(.milliseconds(2)) { try GreenThread.sleep(for: .seconds(1000)) } }
            #expect(error.map { "\($0)" } == "timed out after 0.002 seconds")
        }
    }

    @Test
    func `that is not caught in a detached thread is reported`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                detach(name: "late") {
                    Timeout(.milliseconds(1))
                    try GreenThread.sleep(for: .seconds(1000))
                }
                detach(name: "limited") {
                    try withTimeout(.milliseconds(1)) { try GreenThread.sleep(for: .seconds(1000)) }
                }
                try GreenThread.sleep(for: .milliseconds(20))
                try settle()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 2)
        #expect(lines.contains { $0.hasSuffix("'late' ended with an error: timed out after 0.001 seconds") })
        #expect(lines.contains { $0.hasSuffix("'limited' ended with an error: timed out after 0.001 seconds") })
    }

    @Test
    func `may be passed to another OS thread once it has fired`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                Timeout(.zero)
                var error = timeout { try GreenThread.yield() }
                let text = "\(error as Any)"
                onAnotherThread {
                    precondition("\(error as Any)" == text)
                    error = nil
                }
                var pending: Timeout? = Timeout(.milliseconds(1))
                onAnotherThread { pending = nil }
                precondition(pending == nil)
                precondition(timeout { try GreenThread.sleep(for: .seconds(1000)) } != nil)
            }
        }
    }

    @Test
    func `ends the process if it is started twice, or used on another OS thread`() async throws {
        let twice = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { Timeout(.seconds(1000)).start() }
        }
        var text = String(decoding: twice.standardErrorContent, as: UTF8.self)
        #expect(text.contains("start: this timeout is still pending; cancel it first"), "\(text)")
        let canceled = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let limit = Timeout(.seconds(1000))
                onAnotherThread { limit.cancel() }
            }
        }
        text = String(decoding: canceled.standardErrorContent, as: UTF8.self)
        #expect(text.contains("used on another OS thread than the one that created it; start one there"), "\(text)")
        await #expect(processExitsWith: .failure) {
            inChild {
                let limit = Timeout(.seconds(1000))
                onAnotherThread { _ = limit.isPending }
            }
        }
        await #expect(processExitsWith: .failure) {
            inChild {
                let limit = Timeout(nil)
                onAnotherThread { limit.start() }
            }
        }
    }

    @Test
    func `is recognised by isTimeout`() throws {
        try onHub { () throws in
            let limit = Timeout(nil)
            #expect(isTimeout(limit))
            #expect(isTimeout(SystemError(code: .timedOut, message: "")))
            #expect(!isTimeout(SystemError(code: .connectionReset, message: "")))
            #expect(!isTimeout(GreenExit()))
            #expect(!isTimeout(Mistake(number: 1)))
            let own = failure { try Event<Int>().wait(timeout: .zero) }
            #expect(own.map(isTimeout) == true)
        }
    }
}

@Suite("A scope with a timeout")
struct TimeoutScopeTests {
    /// Blocks for longer than any test.
    private func dawdle() throws {
        try GreenThread.sleep(for: .seconds(1000))
    }

    @Test
    func `returns the result and throws the error of its body`() throws {
        try onHub { () throws in
            #expect(try withTimeout(.seconds(1000)) { 5 } == 5)
            #expect(try withTimeout(.seconds(1000), default: 6) { 5 } == 5)
            #expect(try withTimeout(.seconds(1000), throwing: Mistake(number: 1)) { 5 } == 5)
            #expect(try withTimeout(nil) { 5 } == 5)
            #expect(try withTimeout(nil, default: 6) { 5 } == 5)
            #expect(try withTimeout(nil, throwing: Mistake(number: 1)) { 5 } == 5)
            for duration in [Duration.seconds(1000), nil] {
                let mistake = Mistake(number: 2)
                #expect(throws: mistake) { try withTimeout(duration) { throw mistake } }
                #expect(throws: mistake) { try withTimeout(duration, default: ()) { throw mistake } }
                #expect(throws: mistake) {
                    try withTimeout(duration, throwing: Mistake(number: 1)) { throw mistake }
                }
            }
        }
    }

    @Test
    func `throws a timeout if its time is over`() throws {
        try onHub { () throws in
            let error = timeout { try withTimeout(.milliseconds(1)) { try dawdle() } }
            #expect(error?.duration == .milliseconds(1))
            #expect(error?.isPending == false)
            #expect(timeout { try withTimeout(.zero) { try GreenThread.yield() } }?.duration == .zero)
            try GreenThread.sleep(for: .milliseconds(2))
        }
    }

    @Test
    func `does not limit a body that does not block`() throws {
        try onHub { () throws in
            #expect(try withTimeout(.zero) { 5 } == 5)
            #expect(try withTimeout(.zero, default: 6) { 5 } == 5)
            try GreenThread.yield()
        }
    }

    @Test
    func `returns the default, which is evaluated only then`() throws {
        try onHub { () throws in
            var made = 0
            func value() -> String {
                made += 1
                return "default"
            }
            func body(_ duration: Duration) throws -> String {
                try GreenThread.sleep(for: duration)
                return "body"
            }
            #expect(try withTimeout(.seconds(1000), default: value()) { try body(.zero) } == "body")
            #expect(made == 0)
            #expect(try withTimeout(.milliseconds(1), default: value()) { try body(.seconds(1000)) } == "default")
            #expect(made == 1)
            #expect(throws: Mistake(number: 4)) {
                try withTimeout(.zero, default: try { throw Mistake(number: 4) }()) { try dawdle() }
            }
        }
    }

    @Test
    func `throws the given error, but its body gets a timeout`() throws {
        try onHub { () throws in
            var seen: (any Error)?
            #expect(throws: Mistake(number: 3)) {
                try withTimeout(.milliseconds(1), throwing: Mistake(number: 3)) {
                    do {
                        try dawdle()
                    } catch {
                        seen = error
                        throw error
                    }
                }
            }
            #expect(seen is Timeout)
        }
    }

    @Test
    func `does not catch the timeout of an outer limit`() throws {
        try onHub { () throws in
            var inner = "untouched"
            let error = timeout {
                try withTimeout(.milliseconds(1)) {
                    inner = try withTimeout(.seconds(1000), default: "default") {
                        try withTimeout(.seconds(1000), throwing: Mistake(number: 1)) { try dawdle() }
                        return "body"
                    }
                }
            }
            #expect(error?.duration == .milliseconds(1))
            #expect(inner == "untouched")
            let outer = try withTimeout(.milliseconds(1), default: "outer") {
                try withTimeout(.seconds(1000), default: "inner") {
                    try dawdle()
                    return "body"
                }
            }
            #expect(outer == "outer")
        }
    }

    @Test
    func `does not catch the timeout of an inner limit`() throws {
        try onHub { () throws in
            let limits = [
                { try withTimeout(.milliseconds(1)) { try self.dawdle() } },
                {
                    Timeout(.milliseconds(1))
                    try self.dawdle()
                },
            ]
            for limit in limits {
                #expect(timeout { try withTimeout(.seconds(1000), default: ()) { try limit() } } != nil)
                #expect(timeout { try withTimeout(.seconds(1000), throwing: GreenExit()) { try limit() } } != nil)
            }
            let inner = try withTimeout(.seconds(1000), default: "outer") {
                try withTimeout(.milliseconds(1), default: "inner") {
                    try dawdle()
                    return "body"
                }
            }
            #expect(inner == "inner")
        }
    }

    @Test
    func `does not catch the timeout of an earlier scope`() throws {
        try onHub { () throws in
            let earlier = try #require(timeout { try withTimeout(.zero) { try dawdle() } })
            func repeatIt() throws { throw earlier }
            #expect(timeout { try withTimeout(.seconds(1000), default: ()) { try repeatIt() } } === earlier)
            #expect(timeout { try withTimeout(.zero, default: ()) { try repeatIt() } } === earlier)
            try GreenThread.yield()
        }
    }

    @Test
    func `and an outer one that expires at the same time: the outer counts, in each call`() throws {
        try onHub { () throws in
            let result = try withTimeout(.zero, default: "outer") {
                try withTimeout(.zero, default: "inner") {
                    try dawdle()
                    return "body"
                }
            }
            #expect(result == "outer")
            var results: [String] = []
            try withTimeout(.zero, default: results.append("outer")) {
                do {
                    try withTimeout(.zero, default: results.append("inner")) {
                        _ = timeout { try dawdle() }
                        try dawdle()
                    }
                    try GreenThread.yield()
                }
            }
            #expect(results == ["outer"], "an error that the body has swallowed is thrown again")
        }
    }

    @Test
    func `recognises its timeout when another thread rethrows it`() throws {
        try onHub { () throws in
            let result = try withTimeout(.milliseconds(1), default: "mine") {
                let error = timeout { try dawdle() }
                let messenger = spawn { () throws -> String in throw error! }
                return try messenger.wait()
            }
            #expect(result == "mine")
            let thread = spawn { try withTimeout(.milliseconds(1)) { try self.dawdle() } }
            let foreign = timeout { try withTimeout(.seconds(1000), default: ()) { try thread.wait() } }
            #expect(foreign != nil, "a timeout of another thread is not")
        }
    }

    @Test
    func `ends when its thread is killed`() throws {
        try onHub { () throws in
            let threads = [
                spawn { try withTimeout(.seconds(1000)) { try dawdle() } },
                spawn { try withTimeout(.seconds(1000), default: ()) { try dawdle() } },
                spawn { try withTimeout(.seconds(1000), throwing: GreenExit()) { try dawdle() } },
            ]
            try settle()
            let timers = try Hub.statistics.timers
            for thread in threads {
                try thread.kill(throwing: Mistake(number: 1))
                #expect(throws: Mistake(number: 1)) { try thread.wait() }
            }
            #expect(try Hub.statistics.timers == timers - 6, "no timer of their sleeps or timeouts is left")
        }
    }

    @Test
    func `does not catch the timeout of a call`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            right.readTimeout = .milliseconds(1)
            let error = failure {
                try withTimeout(.seconds(1000), default: []) { try right.read(upTo: 1) }
            }
            #expect(error?.code == .timedOut)
            #expect(error.map(isTimeout) == true)
            right.readTimeout = .seconds(1000)
            #expect(timeout { try withTimeout(.milliseconds(1)) { try right.read(upTo: 1) } } != nil)
            try left.write("x")
            #expect(try right.read(upTo: 1) == [120], "the interrupted read took nothing")
        }
    }

    @Test
    func `limits many calls together, not each`() throws {
        try onHub { () throws in
            var rounds = 0
            let error = timeout {
                try withTimeout(.milliseconds(20)) {
                    while true {
                        try GreenThread.sleep(for: .milliseconds(1))
                        rounds += 1
                    }
                }
            }
            #expect(error != nil)
            #expect(rounds < 21)
        }
    }
}
