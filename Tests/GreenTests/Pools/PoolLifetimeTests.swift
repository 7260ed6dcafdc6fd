import Green
import Testing

/// Longer than any test takes.
private let longTime = Duration.seconds(1000)

@Suite("An object in a function that is spawned into a pool is destroyed once")
struct PoolLifetimeTests {
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
    func `when it runs`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 2)
            let thread = try pool.spawn(hold(ledger.make()))
            try pool.detach(hold(ledger.make()))
            #expect(ledger.gone == 0)
            try pool.waitAll()
            #expect(ledger.gone == 2)
            try thread.wait()
        }
    }

    @Test
    func `when it is its result`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 1)
            let thread = try pool.spawn { ledger.make() }
            try thread.wait().touch()
            try thread.wait().touch()
            #expect(ledger.gone == 0)
            withExtendedLifetime(thread) {}
        }
    }

    @Test
    func `when the spawn times out`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 0)
            #expect(failure { try pool.spawn(timeout: .zero, hold(ledger.make())) }?.code == .timedOut)
            #expect(failure { try pool.detach(timeout: .zero, hold(ledger.make())) }?.code == .timedOut)
            #expect(failure { try pool.detach(timeout: .milliseconds(1), hold(ledger.make())) }?.code == .timedOut)
            #expect(ledger.gone == 3)
        }
    }

    @Test
    func `when the spawning thread is killed`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 0)
            let function = hold(ledger.make())
            let spawners = [spawn { _ = try pool.spawn(function) }, spawn { try pool.detach(function) }]
            try settle()
            for spawner in spawners {
                try spawner.kill(waitingForEnd: true)
            }
        }
    }

    @Test
    func `when it cannot be started`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 1, stackSize: 1 << 60)
            let thread = try pool.spawn(hold(ledger.make()))
            #expect(ledger.gone == 1)
            #expect(failure { try thread.wait() }?.code == .noMemory)
        }
    }

    @Test
    func `when it is called in place, however it ends`() throws {
        try expectOneEnd { ledger throws in
            let pool = GreenPool(size: 1)
            let outer = try pool.spawn {
                let first = ledger.make()
                try pool.spawn { first.touch() }
                let second = ledger.make()
                let thread = try pool.spawn { throw Incident(second) }
                _ = try? thread.wait()
                let third = ledger.make()
                try pool.spawn { ledger.make() }
                try pool.spawn {
                    defer { third.touch() }
                    try GreenThread.sleep(for: longTime)
                }
            }
            try settle()
            try outer.kill(throwing: Incident(ledger.make()))
            #expect(throws: Incident.self) { try outer.wait() }
        }
    }
}
