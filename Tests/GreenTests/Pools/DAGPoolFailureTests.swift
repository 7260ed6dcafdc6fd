import Green
import Testing

@Suite("A failure in a DAG pool")
struct DAGPoolFailureTests {
    @Test
    func `is thrown to all that request the value, with the chain of keys`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("c", dependsOn: ["b"]) { try $0["b"] }
            try pool.spawn("b", dependsOn: ["a"]) { try $0.all().count }
            try pool.spawn("a") { _ in throw Mistake(number: 7) }
            let error = try #require(propagated { try pool["c"] })
            #expect(error.key as? String == "c")
            #expect((error.underlying as? PropagatedError)?.key as? String == "b")
            #expect(error.cause as? Mistake == Mistake(number: 7))
            #expect("\(error)" == "key \"c\" failed: key \"b\" failed: key \"a\" failed: Mistake(number: 7)")
            let direct = try #require(propagated { try pool["a"] })
            #expect("\(direct)" == "key \"a\" failed: Mistake(number: 7)")
            #expect(direct.cause as? Mistake == Mistake(number: 7))
        }
    }

    @Test
    func `contains the error that was thrown`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            let incident = Incident(Ledger().make())
            try pool.spawn(1) { _ in throw incident }
            #expect(propagated { try pool[1] }?.cause as? Incident === incident)
            #expect(propagated { try pool[1] }?.cause as? Incident === incident, "also when it is requested again")
        }
    }

    @Test
    func `ends a wait for all without waiting for the others`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            let mains = [
                spawn { try pool.wait(for: ["never", "a", "b"]).count },
                spawn { try pool.value(for: "a") },
            ]
            try pool.spawn("body", dependsOn: ["never", "b", "a"]) { try $0.all().count }
            try settle()
            try pool.post(1, for: "b")
            try pool.spawn("a") { _ in throw Mistake(number: 1) }
            for main in mains {
                #expect(propagated { try main.wait() }?.key as? String == "a")
            }
            #expect(propagated { try pool["body"] }?.underlying is PropagatedError)
            #expect(propagated { try pool.wait(for: ["never", "a"]) }?.key as? String == "a", "also afterwards")
        }
    }

    @Test
    func `can be caught by a function that requests the value`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("a") { _ in throw Mistake(number: 1) }
            try pool.spawn("b") { _ in 2 }
            try pool.spawn("c", dependsOn: ["a", "b"]) { results in
                results.reduce(0) { $0 + ((try? $1.get().value) ?? 100) }
            }
            #expect(try pool["c"] == 102)
            #expect(propagated { try pool.waitAll() }?.key as? String == "a")
        }
    }

    @Test
    func `is thrown to others when its thread is interrupted`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("a") { _ in
                try withTimeout(.milliseconds(1)) { try GreenThread.sleep(for: .seconds(1000)) }
                return 1
            }
            try pool.spawn("b") { _ in throw GreenExit() }
            #expect(propagated { try pool["a"] }?.cause is Timeout)
            #expect(propagated { try pool["b"] }?.cause is GreenExit)
        }
    }

    @Test
    func `is reported when the pool is released and its key was never requested`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let asked: [(DAGPool<String, Int>) throws -> Void] = [
                    { _ in },
                    { _ = try? $0["a"] },
                    { _ = try? $0.waitAll() },
                    { _ = try? $0.wait(for: ["b", "a", "exit"]) },
                    { _ = $0.result(for: "a") },
                    { _ = $0.items },
                    { _ = Array($0.waitEachSuccess()) },
                    { try $0.post(1, for: "a", replacing: true) },
                ]
                for ask in asked {
                    let pool = DAGPool<String, Int>()
                    try pool.spawn("a") { _ in throw Mistake(number: 3) }
                    try pool.spawn("exit") { _ in throw GreenExit() }
                    try settle()
                    try ask(pool)
                }
                let chain = DAGPool<String, Int>()
                try chain.spawn("b", dependsOn: ["a"]) { try $0["a"] }
                try chain.spawn("a") { _ in throw Mistake(number: 4) }
                try settle()
                let late = DAGPool<String, Int>()
                try late.spawn("a") { [weak late] _ in
                    try late?.post(1, for: "a")
                    throw Mistake(number: 5)
                }
                try settle()
                withExtendedLifetime((chain, late)) {}
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 3, "\(lines)")
        let prefix = "green: the error of a DAGPool key that was never requested: "
        #expect(lines.first == prefix + "key \"a\" failed: Mistake(number: 3)")
        #expect(lines.contains(prefix + "key \"b\" failed: key \"a\" failed: Mistake(number: 4)"), "once for the chain")
        #expect(
            lines.contains { $0.hasSuffix("'a' ended with an error that no thread waited for: Mistake(number: 5)") }
        )
    }
}
