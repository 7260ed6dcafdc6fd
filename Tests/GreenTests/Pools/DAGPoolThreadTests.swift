import Green
import Testing

@Suite("A thread of a DAG pool")
struct DAGPoolThreadTests {
    @Test
    func `can be killed, which frees its key`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var ends: [String] = []
            try pool.spawn("a", dependsOn: ["never"]) { results in
                defer { ends.append("a") }
                return try results["never"]
            }
            try pool.spawn("unborn") { _ in
                ends.append("unborn")
                return 1
            }
            try pool.kill("unborn")
            try settle()
            try pool.kill("a")
            #expect(ends.isEmpty, "a kill does not wait")
            #expect(pool.runningCount == 0)
            #expect(throws: DAGNotRunning.self) { try pool.kill("a") }
            try pool.spawn("a") { _ in 2 }
            try pool.spawn("unborn") { _ in 3 }
            #expect(try pool.waitAll() == ["a": 2, "unborn": 3])
            #expect(ends == ["a"])
        }
    }

    @Test
    func `leaves nothing behind when it is killed before or after it has begun`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            let before = try Residue()
            for key in 0..<100 {
                try pool.spawn(key, dependsOn: [-1]) { try $0[-1] }
                if key.isMultiple(of: 2) {
                    try GreenThread.yield()
                }
                try pool.kill(key)
            }
            try settle()
            #expect(try Residue() == before)
            withExtendedLifetime(pool) {}
        }
    }

    @Test
    func `can only be killed while it runs`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["value": 1])
            try pool.spawn("finished") { _ in 2 }
            try pool.waitAll()
            for key in ["value", "finished", "unknown"] {
                let error = #expect(throws: DAGNotRunning.self) { try pool.kill(key) }
                #expect(error?.key as? String == key)
                #expect("\(try #require(error))".contains("key \"\(key)\""))
            }
            #expect(try pool.waitAll() == ["value": 1, "finished": 2])
        }
    }

    @Test
    func `supplies no value after it was killed`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("a") { _ in
                try? GreenThread.sleep(for: .seconds(1000))
                try GreenThread.yield()
                return 1
            }
            let reader = spawn { try pool["a"] }
            try settle()
            try pool.kill("a")
            try settle()
            #expect(!reader.isFinished, "the reader still waits")
            #expect(pool.result(for: "a") == nil)
            try pool.spawn("a") { _ in 2 }
            #expect(try reader.wait() == 2)
        }
    }

    @Test
    func `may kill itself`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var wentOn = false
            try pool.spawn("a") { [weak pool] _ in
                try pool?.kill("a")
                wentOn = true
                return 1
            }
            try settle()
            #expect(!wentOn)
            #expect(pool.result(for: "a") == nil)
            #expect(pool.runningCount == 0)
        }
    }

    @Test
    func `is counted while it runs, and shows the keys it waits for`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["z": 0])
            try pool.spawn("a", dependsOn: ["x", "y", "z"]) { try $0.all().count }
            try pool.spawn("b", dependsOn: ["a"]) { try $0.all().count }
            try pool.spawn("c", dependsOn: ["z"]) { _ in
                try GreenThread.sleep(for: .seconds(1000))
                return 1
            }
            #expect(pool.runningCount == 3)
            #expect(Set(pool.runningKeys) == ["a", "b", "c"])
            #expect(pool.waitingCount == 2)
            #expect(pool.waitingFor == ["a": ["x", "y"], "b": ["a"]])
            #expect(pool.waitingFor("a") == ["x", "y"])
            #expect(pool.waitingFor("c") == [])
            #expect(pool.waitingFor("z") == [])
            #expect(pool.waitingFor("unknown") == [])
            try settle()
            try pool.post(1, for: "x")
            #expect(pool.waitingFor("a") == ["y"])
            try pool.post(1, for: "y")
            #expect(try pool["b"] == 1)
            #expect(pool.waitingCount == 0)
            #expect(pool.waitingFor.isEmpty)
            #expect(pool.runningKeys == ["c"])
            try pool.kill("c")
        }
    }

    @Test
    func `has its key or a given string as its name`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, String>()
            try pool.spawn(12) { _ in GreenThread.current.name }
            try pool.spawn(13, name: "worker") { _ in GreenThread.current.name }
            #expect(try pool.waitAll() == [12: "12", 13: "worker"])
        }
    }

    @Test
    func `waits for a key without a source until the main thread gets a deadlock error`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = DAGPool<String, Int>()
                try pool.spawn("a", dependsOn: ["b"]) { try $0["b"] }
                try pool.spawn("b", dependsOn: ["a"]) { try $0["a"] }
                try pool.spawn("c", dependsOn: ["nowhere"]) { try $0["nowhere"] }
                for wait in [{ try pool["a"] }, { try pool.waitAll().count }] {
                    do {
                        _ = try wait()
                        fatalError("there is nothing to return")
                    } catch let error as DeadlockError {
                        precondition(error.message.contains("of a DAGPool, which no thread can supply"))
                    }
                }
                var last: [Result<(key: String, value: Int), any Error>] = []
                last = Array(pool.waitEach())
                precondition(last.count == 1)
                do {
                    _ = try last[0].get()
                } catch is DeadlockError {
                    precondition(pool.waitingFor == ["a": ["b"], "b": ["a"], "c": ["nowhere"]])
                    return
                }
                fatalError("an iteration ends the same way")
            }
        }
        let lines = reports(of: child)
        #expect(lines.count { $0.contains("deadlock") } == 3)
    }
}
