import Green
import Testing

@Suite("A killed thread")
struct KillTests {
    /// A thread that sleeps until it is killed.
    private func sleeper() throws -> GreenThread<Void> {
        let thread = spawn { try GreenThread.sleep(for: .seconds(1000)) }
        try GreenThread.yield()
        return thread
    }

    @Test
    func `throws GreenExit from its blocking call`() throws {
        try onHub { () throws in
            let thread = try sleeper()
            try thread.kill()
            #expect(!thread.isFinished, "a kill does not wait")
            #expect(throws: GreenExit.self) { try thread.wait() }
            #expect(thread.isFinished)
        }
    }

    @Test
    func `throws the error of the kill itself`() throws {
        try onHub { () throws in
            let incident = Incident(Ledger().make())
            let thread = try sleeper()
            try thread.kill(throwing: incident)
            #expect(#expect(throws: Incident.self) { try thread.wait() } === incident)
        }
    }

    @Test
    func `has ended when a kill with waitingForEnd returns`() throws {
        try onHub { () throws in
            let thread = try sleeper()
            try thread.kill(waitingForEnd: true)
            #expect(thread.isFinished)
            let stubborn = spawn {
                try? GreenThread.sleep(for: .seconds(1000))
                try GreenThread.yield()
                return "alive"
            }
            try GreenThread.yield()
            try stubborn.kill(throwing: Mistake(number: 1), waitingForEnd: true)
            #expect(stubborn.isFinished)
            #expect(try stubborn.wait() == "alive")
        }
    }

    @Test
    func `throws GreenExit from each of its calls after a kill for good`() throws {
        try onHub { () throws in
            var failures = 0
            let thread = spawn {
                for _ in 0..<3 {
                    do {
                        try GreenThread.sleep(for: .seconds(1000))
                    } catch is GreenExit {
                        failures += 1
                    }
                }
            }
            try GreenThread.yield()
            try thread.killForGood(waitingForEnd: true)
            #expect(thread.isFinished)
            #expect(failures == 3)
            try thread.killForGood()
            let own = spawn { try GreenThread.current.killForGood() }
            #expect(#expect(throws: SystemError.self) { try own.wait() }?.code == .invalidArgument)
        }
    }

    @Test
    func `never begins if it has not begun`() throws {
        try onHub { () throws in
            var ran = false
            let plain = spawn { ran = true }
            let named = spawn { ran = true }
            try plain.kill()
            try named.kill(throwing: Mistake(number: 2))
            try settle()
            #expect(plain.isFinished)
            #expect(throws: GreenExit.self) { try plain.wait() }
            #expect(throws: Mistake(number: 2)) { try named.wait() }
            #expect(!ran)
        }
    }

    @Test
    func `throws the first of several errors`() throws {
        try onHub { () throws in
            for hasBegun in [true, false] {
                let thread = hasBegun ? try sleeper() : spawn {}
                try thread.kill(throwing: Mistake(number: 1))
                try thread.kill(throwing: Mistake(number: 2))
                try thread.kill()
                #expect(throws: Mistake(number: 1)) { try thread.wait() }
            }
        }
    }

    @Test
    func `that has ended keeps its result`() throws {
        try onHub { () throws in
            let thread = spawn { 8 }
            try thread.wait()
            try thread.kill(throwing: Mistake(number: 1), waitingForEnd: true)
            #expect(try thread.wait() == 8)
        }
    }

    @Test
    func `may kill itself`() throws {
        try onHub { () throws in
            var wentOn = false
            let plain = spawn {
                try GreenThread.current.kill()
                wentOn = true
            }
            let named = spawn {
                try GreenThread.current.kill(throwing: Mistake(number: 5))
                wentOn = true
            }
            #expect(throws: GreenExit.self) { try plain.wait() }
            #expect(throws: Mistake(number: 5)) { try named.wait() }
            #expect(!wentOn)
        }
    }

    @Test
    func `may catch the error and continue`() throws {
        try onHub { () throws in
            var caught: [Int] = []
            let thread = spawn {
                for _ in 0..<3 {
                    do {
                        try GreenThread.sleep(for: .seconds(1000))
                    } catch let mistake as Mistake {
                        caught.append(mistake.number)
                    }
                }
                return caught.count
            }
            for number in 1...3 {
                try settle()
                try thread.kill(throwing: Mistake(number: number))
            }
            #expect(try thread.wait() == 3)
            #expect(caught == [1, 2, 3])
        }
    }

    @Test
    func `throws from every kind of blocking call`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let listener = try listen(on: "127.0.0.1:0")
            let other = try sleeper()
            let calls: [() throws -> Void] = [
                { _ = try right.read(upTo: 1) },
                { _ = try right.readExactly(10) },
                { _ = try right.readLine() },
                { _ = try listener.accept() },
                { try serve(listener) { _, _ in } },
                { _ = try other.wait() },
                { _ = try GreenThread.wait(for: right.fileDescriptor, .readable) },
                { try left.write([UInt8](repeating: 0, count: 8 << 20)) },
            ]
            for (number, call) in calls.enumerated() {
                let thread = spawn(call)
                try settle()
                try thread.kill(throwing: Mistake(number: number))
                #expect(throws: Mistake(number: number)) { try thread.wait() }
            }
            try other.kill(waitingForEnd: true)
        }
    }

    @Test
    func `interrupts its own kill of another thread with waitingForEnd`() throws {
        try onHub { () throws in
            let stubborn = spawn {
                try? GreenThread.sleep(for: .seconds(1000))
                try GreenThread.sleep(for: .milliseconds(20))
            }
            try GreenThread.yield()
            let killer = spawn { try stubborn.kill(waitingForEnd: true) }
            try GreenThread.yield()
            try killer.kill(throwing: Mistake(number: 6))
            #expect(throws: Mistake(number: 6)) { try killer.wait() }
            try stubborn.wait()
        }
    }

    @Test
    func `can be canceled only before it begins`() throws {
        try onHub { () throws in
            let unborn = spawn { 1 }
            let delayed = spawn(after: .seconds(1000)) { 1 }
            let begun = try sleeper()
            let finished = spawn { 1 }
            try finished.wait()
            #expect(!unborn.cancel(), "it has begun by then")
            #expect(delayed.cancel())
            #expect(!delayed.cancel())
            #expect(!begun.cancel())
            #expect(!finished.cancel())
            #expect(throws: GreenExit.self) { try delayed.wait() }
            try begun.kill(waitingForEnd: true)
            let fresh = spawn { 1 }
            #expect(fresh.cancel())
            #expect(throws: GreenExit.self) { try fresh.wait() }
        }
    }
}
