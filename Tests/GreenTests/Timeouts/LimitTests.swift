import Green
import GreenTesting
import Testing

@Suite("A time limit that has expired")
struct LimitTests {
    @Test(arguments: engines)
    func `ends a loop that tries again whenever its own limit expires`(engine: String) throws {
        try withTestHub(engine: engine) { () throws in
            let start = TestClock.now
            var attempts = 0
            let error = timeoutThrown {
                try withTimeout(.milliseconds(250)) {
                    while true {
                        do {
                            try withTimeout(.milliseconds(100)) { try dawdle() }
                        } catch  where isTimeout(error) {
                            attempts += 1
                        }
                    }
                }
            }
            #expect(error?.duration == .milliseconds(250))
            #expect(attempts == 2)
            #expect(TestClock.now - start == .milliseconds(250))
        }
    }

    @Test
    func `ends a loop that tries again whenever the timeout of its call expires`() throws {
        try withTestHub { () throws in
            let event = Event<Int>()
            let error = timeoutThrown {
                try withDeadline(.now.advanced(by: .milliseconds(250))) {
                    while true {
                        do {
                            try event.wait(timeout: .milliseconds(100))
                        } catch  where isTimeout(error) {}
                    }
                }
            }
            #expect(error?.duration == .milliseconds(250))
            #expect(event.waitingCount == 0)
        }
    }

    @Test
    func `ends every loop that lets interrupts pass`() throws {
        try withTestHub { () throws in
            let error = timeoutThrown {
                try withTimeout(.milliseconds(250)) {
                    while true {
                        do {
                            try withTimeout(.milliseconds(100), throwing: Mistake(number: 1)) { try dawdle() }
                        } catch  where !isInterrupt(error) {
                            #expect(error as? Mistake == Mistake(number: 1))
                        }
                    }
                }
            }
            #expect(error?.duration == .milliseconds(250))
        }
    }

    @Test
    func `makes each blocking call of the body throw an equal timeout`() throws {
        try withTestHub { () throws in
            let (near, far) = try Socket.pair()
            defer {
                near.close()
                far.close()
            }
            try far.write("unread\n")
            let (queue, semaphore) = (Queue<Int>(), Semaphore(permits: 1))
            let calls: [() throws -> Void] = [
                dawdle, GreenThread.yield, GreenThread.checkInterrupt, { _ = try near.readLine() },
                { try near.write("unsent\n") }, { try queue.put(1) }, { _ = try queue.get() },
                { try semaphore.acquire() }, { try spawn {}.wait() }, { try withTimeout(nil) { try dawdle() } },
                { try withTimeout(.zero) { try dawdle() } }, { try withTimeout(.seconds(1)) { try dawdle() } },
            ]
            var seen: Set<Timeout> = []
            let error = timeoutThrown {
                try withTimeout(.milliseconds(1)) {
                    for call in calls + calls {
                        let timeout = timeoutThrown { try call() }
                        seen.insert(try #require(timeout))
                        #expect(isInterrupt(timeout!) && !isTimeout(timeout!))
                    }
                    try dawdle()
                }
            }
            #expect(seen == [try #require(error)])
            #expect(!isInterrupt(error!) && isTimeout(error!))
            #expect(queue.isEmpty && semaphore.permits == 1)
            #expect(try near.readLine() == "unread")
        }
    }

    @Test
    func `does not replace the value that a body returns which swallows every error`() throws {
        try withTestHub { () throws in
            let bodies: [() throws -> Int] = [
                { try withTimeout(.zero) { swallow() } },
                { try withTimeout(.zero, default: 0) { swallow() } },
                { try withTimeout(.zero, throwing: Mistake(number: 1)) { swallow() } },
                { try withDeadline(.now) { swallow() } },
                { try withDeadline(.now, default: 0) { swallow() } },
                { try withDeadline(.now, throwing: Mistake(number: 1)) { swallow() } },
            ]
            for body in bodies {
                #expect(try body() == 20)
                try GreenThread.yield()
            }
        }
        func swallow() -> Int {
            (0..<20).count { _ in timeoutThrown { try dawdle() } != nil }
        }
    }

    @Test
    func `replaces the timeout of a limit inside of it, at its end`() throws {
        try withTestHub { () throws in
            func late() throws -> String {
                let inner = timeoutThrown { try withTimeout(.milliseconds(1)) { try dawdle() } }
                pass(.milliseconds(10))
                throw inner!
            }
            #expect(timeoutThrown { try withTimeout(.milliseconds(5)) { try late() } }?.duration == .milliseconds(5))
            #expect(try withTimeout(.milliseconds(5), default: "default") { try late() } == "default")
            #expect(throws: Mistake(number: 1)) {
                try withTimeout(.milliseconds(5), throwing: Mistake(number: 1)) { try late() }
            }
            #expect(timeoutThrown { try withTimeout(.seconds(1)) { try late() } }?.duration == .milliseconds(1))
            #expect(
                timeoutThrown { try withTimeout(.seconds(1), default: "") { try late() } }?.duration == .milliseconds(1)
            )
        }
    }

    @Test
    func `replaces no error but the timeouts of limits`() throws {
        try withTestHub { () throws in
            let errors: [any Error] = [
                Mistake(number: 1), GreenExit(), SystemError(code: .timedOut, message: "its own"), Timeout(nil),
            ]
            for thrown in errors {
                let error = errorThrown {
                    try withTimeout(.zero, default: ()) {
                        _ = timeoutThrown { try dawdle() }
                        throw thrown
                    }
                }
                #expect(error.map { type(of: $0) == type(of: thrown) } == true)
            }
        }
    }

    @Test
    func `does not limit what is evaluated in place of the body's result`() throws {
        try withTestHub { () throws in
            func slowly(_ value: Int) throws -> Int {
                try GreenThread.sleep(for: .seconds(1))
                return value
            }
            #expect(try withTimeout(.zero, default: try slowly(5)) { try slowly(6) } == 5)
            #expect(try withDeadline(.now, default: try slowly(5)) { try slowly(6) } == 5)
        }
    }

    @Test
    func `is left by a kill, also by a loop that swallows every timeout`() throws {
        // Not on a virtual clock, which stands still while a thread is ready.
        try onHub { () throws in
            var calls = 0
            let thread = spawn { () -> (any Error)? in
                let killed = errorThrown {
                    try withTimeout(.milliseconds(1)) {
                        while true {
                            do {
                                try dawdle()
                            } catch is Timeout {
                                calls += 1
                            }
                        }
                    }
                }
                try GreenThread.sleep(for: .milliseconds(1))
                return killed
            }
            while calls < 10 {
                try GreenThread.yield()
            }
            try thread.kill()
            #expect(try thread.wait() is GreenExit)
        }
    }

    @Test
    func `of zero or less is one from the start, and one of centuries never is`() throws {
        try withTestHub { () throws in
            for duration in [Duration.zero, .seconds(-1), .seconds(Int64.min), .nanoseconds(-1)] {
                #expect(timeoutThrown { try withTimeout(duration) { try dawdle() } }?.duration == .zero)
                let deadline = HubInstant.now.advanced(by: duration)
                #expect(timeoutThrown { try withDeadline(deadline) { try dawdle() } }?.duration == .zero)
            }
            let years = Duration.seconds(9_500_000_000)
            for duration in [years, .seconds(Int64.max), nil] {
                #expect(try withTimeout(duration) { try after(.seconds(1_000_000)) })
                let deadline = duration.map { HubInstant.now.advanced(by: $0) }
                #expect(try withDeadline(deadline) { try after(.seconds(1_000_000)) })
                #expect(try withDeadline(deadline, default: false) { try after(.zero) })
                #expect(try withDeadline(deadline, throwing: Mistake(number: 1)) { try after(.zero) })
            }
        }
        func after(_ duration: Duration) throws -> Bool {
            try GreenThread.sleep(for: duration)
            return true
        }
    }

    @Test
    func `of a deadline may be shared, and ends each body`() throws {
        try withTestHub { () throws in
            let deadline = HubInstant.now.advanced(by: .seconds(30))
            try withDeadline(deadline) { try GreenThread.sleep(for: .seconds(20)) }
            #expect(timeoutThrown { try withDeadline(deadline) { try dawdle() } }?.duration == .seconds(10))
            #expect(HubInstant.now == deadline)
            #expect(timeoutThrown { try withDeadline(deadline) { try GreenThread.yield() } }?.duration == .zero)
        }
    }
}
