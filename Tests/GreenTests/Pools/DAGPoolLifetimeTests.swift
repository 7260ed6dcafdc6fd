import Green
import Testing

@Suite("A DAG pool that is released")
struct DAGPoolLifetimeTests {
    /// Runs a body that creates tracked objects, and expects each of them to be destroyed once.
    private func expectOneEnd(sourceLocation: SourceLocation = #_sourceLocation, _ body: (Ledger) throws -> Void) throws
    {
        let ledger = Ledger()
        try onHub(sourceLocation: sourceLocation) { try body(ledger) }
        #expect(ledger.made > 0, sourceLocation: sourceLocation)
        #expect(ledger.gone == ledger.made, sourceLocation: sourceLocation)
    }

    @Test
    func `frees its values`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<Int, Tracked>? = DAGPool(preload: [1: ledger.make()])
            try pool?.post(ledger.make(), for: 2)
            try pool?.post(ledger.make(), for: 2, replacing: true)
            #expect(ledger.gone == 1)
            try pool?.spawn(3, dependsOn: [1, 2]) { results in
                _ = try results.all()
                return ledger.make()
            }
            try pool?.waitAll()
            try pool?.post(throwing: Incident(ledger.make()), for: 4)
            _ = pool?.result(for: 4)
            #expect(ledger.gone == 1)
            pool = nil
            #expect(ledger.gone == 5)
        }
    }

    @Test
    func `kills its threads, whatever they wait for`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<String, Tracked>? = DAGPool()
            var ends: [String] = []
            func spawn(_ key: String, _ body: @escaping (DAGResults<String, Tracked>) throws -> Tracked) throws {
                let tracked = ledger.make()
                try pool?.spawn(key, dependsOn: ["never"]) { results in
                    defer {
                        tracked.touch()
                        ends.append(key)
                    }
                    return try body(results)
                }
            }
            try spawn("value") { try $0["never"] }
            try spawn("all") { try $0.all()["never"]! }
            try spawn("iteration") { results in
                for item in results {
                    _ = try item.get()
                }
                return ledger.make()
            }
            try spawn("sleep") { _ in
                try GreenThread.sleep(for: .seconds(1000))
                return ledger.make()
            }
            try spawn("posted") { [weak pool] _ in
                try pool?.post(ledger.make(), for: "posted")
                try GreenThread.sleep(for: .seconds(1000))
                return ledger.make()
            }
            try spawn("killed") { results in
                _ = try? results["never"]
                return try results["never"]
            }
            try settle()
            try pool?.kill("killed")
            try settle()
            try spawn("unborn") { _ in ledger.make() }
            let gone = ledger.gone
            pool = nil
            #expect(ledger.gone == gone, "it does not wait for their end")
            try settle()
            #expect(Set(ends) == ["value", "all", "iteration", "sleep", "posted", "killed"])
            #expect(ledger.gone == ledger.made)
        }
    }

    @Test
    func `supplies nothing to a thread that catches the kill`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<String, Int>? = DAGPool(preload: ["there": 1])
            let tracked = ledger.make()
            var caught: [any Error] = []
            var value: Int?
            try pool?.spawn("a", dependsOn: ["never"]) { results in
                for _ in 0..<3 {
                    do {
                        _ = try results["never"]
                    } catch {
                        caught.append(error)
                    }
                }
                value = try results["there"]
                tracked.touch()
                return 1
            }
            try settle()
            pool = nil
            try settle()
            #expect(caught.count == 3)
            #expect(caught.allSatisfy { $0 is GreenExit })
            #expect(value == 1, "existing values stay")
        }
    }

    @Test
    func `ends the wait of other threads that use the results of one of its own`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<String, Tracked>? = DAGPool(preload: ["there": ledger.make()])
            var helpers: [GreenThread<Void>] = []
            try pool?.spawn("a", dependsOn: ["there", "never"]) { results in
                helpers = [
                    spawn { try results["never"].touch() },
                    spawn { try results.forEach { try $0.get().value.touch() } },
                ]
                return ledger.make()
            }
            try settle()
            #expect(helpers.count == 2)
            #expect(helpers.allSatisfy { !$0.isFinished })
            pool = nil
            for helper in helpers {
                #expect(throws: GreenExit.self) { try helper.wait() }
            }
            helpers = []
        }
    }

    @Test
    func `by one of its own threads does not kill that thread`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<String, Tracked>? = DAGPool()
            var ends: [String] = []
            try pool?.spawn("other") { _ in
                defer { ends.append("other") }
                try GreenThread.sleep(for: .seconds(1000))
                return ledger.make()
            }
            try pool?.spawn("a") { results in
                pool = nil
                try GreenThread.yield()
                ends.append("a")
                return try results["never"]
            }
            let tracked = ledger.make()
            try settle()
            #expect(pool == nil)
            #expect(ends == ["other", "a"])
            tracked.touch()
        }
    }

    @Test
    func `lives as long as a function that retains it`() throws {
        try expectOneEnd { ledger throws in
            var pool: DAGPool<String, Tracked>? = DAGPool(preload: ["there": ledger.make()])
            var hasEnded = false
            try pool?.spawn("a") { [pool] _ in
                try GreenThread.sleep(for: .milliseconds(2))
                hasEnded = true
                return try pool!["there"]
            }
            weak let watched = pool
            pool = nil
            #expect(watched != nil)
            for _ in 0..<1000 where !hasEnded {
                try GreenThread.sleep(for: .milliseconds(1))
            }
            try settle()
            #expect(hasEnded)
            #expect(watched == nil)
        }
    }

    @Test
    func `is retained by an iteration`() throws {
        try expectOneEnd { ledger throws in
            func numbers() throws -> some Sequence<Result<(key: Int, value: Tracked), any Error>> {
                let pool = DAGPool<Int, Tracked>()
                for key in 0..<3 {
                    try pool.spawn(key) { _ in
                        try GreenThread.yield()
                        return ledger.make()
                    }
                }
                return pool.waitEach()
            }
            var keys: [Int] = []
            for item in try numbers() {
                keys.append(try item.get().key)
            }
            #expect(keys == [0, 1, 2])
        }
    }

    @Test
    func `drops an iteration that was left early`() throws {
        try expectOneEnd { ledger throws in
            let pool = DAGPool<Int, Tracked>()
            try pool.post(ledger.make(), for: 0)
            for item in pool.waitEach(for: 0..<100) {
                try item.get().value.touch()
                break
            }
            for key in 1..<100 {
                try pool.post(ledger.make(), for: key)
            }
            #expect(try pool.waitAll().count == 100)
        }
    }
}
