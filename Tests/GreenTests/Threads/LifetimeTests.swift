import Green
import Testing

@Suite("An object that is passed to or from a green thread is destroyed once")
struct LifetimeTests {
    /// Runs a body that creates tracked objects, and expects that each was destroyed once.
    private func expectOneEnd(sourceLocation: SourceLocation = #_sourceLocation, _ body: (Ledger) throws -> Void) throws
    {
        let ledger = Ledger()
        try onHub(sourceLocation: sourceLocation) { try body(ledger) }
        #expect(ledger.made > 0, sourceLocation: sourceLocation)
        #expect(ledger.gone == ledger.made, sourceLocation: sourceLocation)
    }

    private func hold(_ tracked: Tracked) -> () -> Void {
        { tracked.touch() }
    }

    @Test
    func `when captured by a function that returns`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn(hold(ledger.make()))
            #expect(ledger.gone == 0)
            try thread.wait()
            #expect(ledger.gone == 1, "the function is destroyed when it ends, not with the handle")
            withExtendedLifetime(thread) {}
        }
    }

    @Test
    func `when captured by a function that throws`() throws {
        try expectOneEnd { ledger throws in
            let tracked = ledger.make()
            let thread = spawn {
                tracked.touch()
                throw Mistake(number: 1)
            }
            #expect(throws: Mistake.self) { try thread.wait() }
        }
    }

    @Test
    func `when captured by a function that is killed before it begins`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn(hold(ledger.make()))
            try thread.kill()
            #expect(throws: GreenExit.self) { try thread.wait() }
            #expect(ledger.gone == 1)
        }
    }

    @Test
    func `when captured by a delayed function that is canceled`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn(after: .seconds(1000), hold(ledger.make()))
            #expect(thread.cancel())
            #expect(throws: GreenExit.self) { try thread.wait() }
            #expect(ledger.gone == 1)
        }
    }

    @Test
    func `when captured by a function that is killed while it blocks`() throws {
        try expectOneEnd { ledger throws in
            let tracked = ledger.make()
            let thread = spawn {
                defer { tracked.touch() }
                try GreenThread.sleep(for: .seconds(1000))
            }
            try GreenThread.yield()
            try thread.kill(waitingForEnd: true)
        }
    }

    @Test
    func `when captured by a function that cannot be started`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn(stackSize: 1 << 60, hold(ledger.make()))
            #expect(ledger.gone == 1)
            #expect(failure { try thread.wait() }?.code == .noMemory)
        }
    }

    @Test
    func `when captured by a detached function`() throws {
        try expectOneEnd { ledger throws in
            detach(hold(ledger.make()))
            #expect(ledger.gone == 0)
            try settle()
            #expect(ledger.gone == 1)
        }
    }

    @Test
    func `when it is the result, after any number of waits`() throws {
        for waits in [0, 1, 3] {
            try expectOneEnd { ledger throws in
                let thread = spawn { ledger.make() }
                try settle()
                #expect(thread.isFinished)
                for _ in 0..<waits {
                    try thread.wait().touch()
                }
                #expect(ledger.gone == 0, "the handle keeps the result")
                withExtendedLifetime(thread) {}
            }
        }
    }

    @Test
    func `when it is in a result that is too large for the slot`() throws {
        for waits in [0, 1, 3] {
            try expectOneEnd { ledger throws in
                let thread = spawn { (1, 2, 3, 4, ledger.make(), ledger.make()) }
                try settle()
                for _ in 0..<waits {
                    try thread.wait().4.touch()
                }
                #expect(ledger.gone == 0)
                withExtendedLifetime(thread) {}
            }
        }
    }

    @Test
    func `when it is the result of a thread without a handle`() throws {
        try expectOneEnd { ledger throws in
            spawn { ledger.make() }
            try settle()
            #expect(ledger.gone == 1)
        }
    }

    @Test
    func `when it is in the error, which all waiters get`() throws {
        try expectOneEnd { ledger throws in
            let incident = Incident(ledger.make())
            let thread = spawn { throw incident }
            for _ in 0..<3 {
                let caught = #expect(throws: Incident.self) { try thread.wait() }
                #expect(caught === incident)
            }
        }
    }

    @Test
    func `when it is in the error of a kill`() throws {
        try expectOneEnd { ledger throws in
            let blocked = spawn { try GreenThread.sleep(for: .seconds(1000)) }
            let finished = spawn {}
            try finished.wait()
            let unborn = spawn {}
            for thread in [blocked, unborn, finished] {
                try thread.kill(throwing: Incident(ledger.make()))
                try thread.kill(throwing: Incident(ledger.make()))
            }
            #expect(throws: Incident.self) { try blocked.wait() }
            #expect(throws: Incident.self) { try unborn.wait() }
            try finished.wait()
        }
    }

    @Test
    func `when it is in the error of a kill that is never delivered`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn {
                try? GreenThread.yield()
                return 5
            }
            try GreenThread.yield()
            try thread.kill(throwing: Incident(ledger.make()))
            #expect(try thread.wait() == 5)
        }
    }

    @Test
    func `when captured by a link that is called, removed or late`() throws {
        try expectOneEnd { ledger throws in
            let thread = spawn {}
            thread.onExit(hold(ledger.make()))
            let removed = thread.onExit(hold(ledger.make()))
            removed.remove()
            #expect(ledger.gone == 1)
            removed.remove()
            try thread.wait()
            #expect(ledger.gone == 2)
            thread.onExit(hold(ledger.make()))
            #expect(ledger.gone == 3)
        }
    }

    @Test
    func `when it is a handler's capture in serve`() throws {
        try expectOneEnd { ledger throws in
            let listener = try listen(on: "127.0.0.1:0")
            let tracked = ledger.make()
            let server = spawn {
                try serve(listener) { _, _ in
                    tracked.touch()
                    throw StopServe()
                }
            }
            let socket = try connect(to: listener.address)
            #expect(try socket.read(upTo: 1) == [])
            try server.wait()
        }
    }
}
