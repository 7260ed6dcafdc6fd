import Green
import Testing

/// The propagated error that a body is expected to throw.
func propagated<Value>(of body: () throws -> Value) -> PropagatedError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? PropagatedError
    }
}

@Suite("A DAG pool")
struct DAGPoolTests {
    @Test
    func `has the values that it was created with`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["a": 1, "b": 2])
            #expect(try pool.waitAll() == ["a": 1, "b": 2])
            #expect(try pool["a"] == 1)
            #expect(Set(pool.keys) == ["a", "b"])
            #expect(try pool.items.map { "\($0.key)\(try $0.result.get())" }.sorted() == ["a1", "b2"])
            #expect(pool.runningCount == 0)
            #expect(try DAGPool<Int, Int>().waitAll().isEmpty)
        }
    }

    @Test
    func `runs a function for a key, which waits where it reads a value`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var steps: [String] = []
            try pool.spawn("c", dependsOn: ["a", "b"]) { results in
                steps.append("c begins")
                let sum = try results["a"] + results["b"]
                steps.append("c ends")
                return sum
            }
            try pool.spawn("b", dependsOn: ["a"]) { results in
                steps.append("b begins")
                return try results["a"] * 10
            }
            #expect(steps.isEmpty, "a spawn does not block")
            try settle()
            #expect(steps == ["c begins", "b begins"])
            try pool.spawn("a") { _ in 4 }
            #expect(try pool.value(for: "c") == 44)
            #expect(steps.last == "c ends")
            #expect(pool.keys == ["a", "b", "c"], "in the order in which they were completed")
            #expect(pool.items.map(\.key) == ["a", "b", "c"])
        }
    }

    @Test
    func `returns each dependency as soon as it is available`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: [1: "one"])
            var seen: [String] = []
            try pool.spawn(0, dependsOn: [3, 2, 1, 4]) { results in
                for item in results {
                    seen.append(try item.get().value)
                }
                return "done"
            }
            try settle()
            #expect(seen == ["one"])
            try pool.post("three", for: 3)
            #expect(seen == ["one"], "a post does not block")
            try settle()
            #expect(seen == ["one", "three"])
            try pool.post("unused", for: 5)
            try pool.post("four", for: 4)
            try pool.post("two", for: 2)
            #expect(try pool[0] == "done")
            #expect(seen == ["one", "three", "four", "two"])
        }
    }

    @Test
    func `passes its key and dependencies to a function, which can iterate repeatedly`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["a": 1, "b": 2])
            var seen: [String] = []
            var sums: [Int] = []
            try pool.spawn("c", dependsOn: ["a", "b", "a"]) { results in
                seen = [results.key] + results.dependencies.sorted()
                for _ in 0..<2 {
                    sums.append(try results.reduce(0) { try $0 + $1.get().value })
                }
                sums.append(try results.all().values.reduce(0, +))
                return 0
            }
            try pool.waitAll()
            #expect(seen == ["c", "a", "b"])
            #expect(sums == [3, 3, 3])
        }
    }

    @Test
    func `makes each key that a function reads a dependency`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var dependencies: Set<String> = []
            try pool.spawn("a") { results in
                let value = try results["surprise"]
                dependencies = results.dependencies
                return try results.all().count + value
            }
            try settle()
            #expect(pool.waitingFor == ["a": ["surprise"]])
            try pool.post(5, for: "surprise")
            #expect(try pool["a"] == 6)
            #expect(dependencies == ["surprise"])
        }
    }

    @Test
    func `starts a thread for each key of a dictionary`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: [0: 1])
            try pool.spawnMany([1: [0], 2: [0, 1], 3: [0, 1, 2], 4: [0, 1, 2, 3]]) { key, results in
                let all = try results.all()
                precondition(all.count == key)
                return all.values.reduce(0, +)
            }
            #expect(pool.runningCount == 4)
            #expect(try pool.waitAll() == [0: 1, 1: 1, 2: 2, 3: 4, 4: 8])
            #expect(pool.runningCount == 0)
        }
    }

    @Test
    func `refuses a key that has a thread or a value`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["value": 1])
            try pool.spawn("running", dependsOn: ["more"]) { try $0["more"] }
            try pool.post(throwing: Mistake(number: 1), for: "failed")
            var ran = false
            for key in ["value", "running", "failed"] {
                let error = #expect(throws: DAGCollision.self) { try pool.spawn(key) { _ in 2 } }
                #expect(error?.key as? String == key)
                #expect(error?.isRunning == (key == "running"))
                #expect("\(try #require(error))".contains("key \"\(key)\" of a DAGPool is taken"))
                #expect(throws: DAGCollision.self) {
                    try pool.spawnMany(["new": [], key: []]) { _, _ in
                        ran = true
                        return 2
                    }
                }
            }
            #expect(pool.runningCount == 1, "none was started")
            try pool.post(3, for: "more")
            #expect(try pool.wait(for: ["value", "running"]) == ["value": 1, "running": 3])
            #expect(!ran)
            #expect(propagated { try pool["failed"] } != nil)
        }
    }

    @Test
    func `does not take a key whose thread cannot be started`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            #expect(failure { try pool.spawn("a", stackSize: 1 << 60) { _ in 1 } }?.code == .noMemory)
            #expect(pool.runningCount == 0)
            try pool.spawn("a") { _ in 2 }
            #expect(try pool["a"] == 2)
        }
    }
}
