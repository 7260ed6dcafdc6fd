import Green
import Testing

@Suite("A value of a DAG pool")
struct DAGPoolValueTests {
    @Test
    func `can be posted once, or replaced explicitly`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            let reader = spawn { try pool.value(for: "a") }
            try settle()
            #expect(pool.result(for: "a") == nil)
            try pool.post(1, for: "a")
            #expect(try reader.wait() == 1)
            let error = #expect(throws: DAGCollision.self) { try pool.post(2, for: "a") }
            #expect(error?.isRunning == false)
            #expect(throws: DAGCollision.self) { try pool.post(throwing: Mistake(number: 1), for: "a") }
            #expect(try pool["a"] == 1)
            try pool.post(2, for: "b")
            try pool.post(3, for: "a", replacing: true)
            #expect(try pool["a"] == 3)
            #expect(pool.keys == ["a", "b"], "it keeps its place")
            try pool.post(throwing: Mistake(number: 4), for: "a", replacing: true)
            #expect(propagated { try pool["a"] }?.underlying as? Mistake == Mistake(number: 4))
            try pool.post(5, for: "a", replacing: true)
            #expect(try pool["a"] == 5)
        }
    }

    @Test
    func `cannot be posted by another thread while one runs for its key`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("a", dependsOn: ["go"]) { try $0["go"] }
            for replacing in [false, true] {
                let error = #expect(throws: DAGCollision.self) { try pool.post(1, for: "a", replacing: replacing) }
                #expect(error?.isRunning == true)
            }
            try pool.post(2, for: "go")
            #expect(try pool["a"] == 2)
            try pool.post(3, for: "a", replacing: true)
            #expect(try pool["a"] == 3)
        }
    }

    @Test
    func `can be posted by its own thread, whose result is ignored`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var hasEnded = false
            var collisions = 0
            try pool.spawn("a") { [weak pool] _ in
                try pool?.post(1, for: "a")
                do {
                    try pool?.post(2, for: "a")
                } catch is DAGCollision {
                    collisions += 1
                }
                try pool?.post(3, for: "a", replacing: true)
                try GreenThread.yield()
                hasEnded = true
                return 4
            }
            #expect(try pool["a"] == 3)
            #expect(!hasEnded, "its thread continues")
            #expect(pool.runningCount == 0)
            #expect(throws: DAGNotRunning.self) { try pool.kill("a") }
            try settle()
            #expect(hasEnded)
            #expect(collisions == 1)
            #expect(try pool["a"] == 3)
        }
    }

    @Test
    func `can be waited for together with those of other keys`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            for key in 0..<5 {
                try pool.spawn(key) { _ in
                    for _ in key..<5 {
                        try GreenThread.yield()
                    }
                    return key * key
                }
            }
            #expect(try pool.wait(for: [2, 4, 2]) == [2: 4, 4: 16])
            #expect(pool.runningCount > 0, "it did not wait for the others")
            #expect(try pool.wait(for: []).isEmpty)
            #expect(try pool.waitAll() == [0: 0, 1: 1, 2: 4, 3: 9, 4: 16])
            #expect(pool.keys.first == 4)
        }
    }

    @Test
    func `is waited for until the timeout expires`() throws {
        try onHub { () throws in
            let pool = DAGPool(preload: ["a": 1])
            try pool.spawn("b", dependsOn: ["c"]) { try $0["c"] }
            for timeout in [Duration.zero, .milliseconds(5)] {
                #expect(failure { try pool.value(for: "b", timeout: timeout) }?.code == .timedOut)
                #expect(failure { try pool.waitAll(timeout: timeout) }?.code == .timedOut)
                let error = try #require(failure { try pool.wait(for: ["b", "a"], timeout: timeout) })
                #expect(error.code == .timedOut)
                #expect(error.message.contains("key \"b\" of a DAGPool"))
                #expect(try pool.value(for: "a", timeout: timeout) == 1)
            }
            try pool.post(2, for: "c")
            #expect(try pool.wait(for: ["a", "b"], timeout: .seconds(1000)) == ["a": 1, "b": 2])
        }
    }

    @Test
    func `can be read without waiting`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            try pool.spawn("a") { _ in 1 }
            #expect(pool.result(for: "a") == nil)
            #expect(pool.keys.isEmpty)
            #expect(pool.items.isEmpty)
            try pool.post(throwing: Mistake(number: 1), for: "b")
            try settle()
            #expect(try pool.result(for: "a")?.get() == 1)
            #expect(propagated { try pool.result(for: "b")?.get() } != nil)
            #expect(pool.result(for: "c") == nil)
            #expect(pool.keys == ["b", "a"])
        }
    }

    @Test
    func `is returned in the order of completion`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            for key in 0..<4 {
                try pool.post(key, for: 3 - key)
            }
            let keys = [0, 1, 2, 3, 4, 5]
            var seen: [Int] = []
            let reader = spawn {
                for item in pool.waitEach(for: keys) {
                    seen.append(try item.get().key)
                }
            }
            try settle()
            #expect(seen == [3, 2, 1, 0])
            try pool.post(5, for: 5)
            try settle()
            #expect(seen == [3, 2, 1, 0, 5])
            try pool.post(4, for: 4)
            try reader.wait()
            #expect(seen == [3, 2, 1, 0, 5, 4])
            #expect(try pool.waitEach().map { try $0.get().key } == seen)
        }
    }

    @Test
    func `is iterated with failures, without failures, or as failures only`() throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            for key in 0..<6 {
                try pool.spawn(key) { _ in
                    if key % 3 == 1 {
                        throw Mistake(number: key)
                    }
                    return key
                }
            }
            let each = pool.waitEach().map { propagated(of: $0.get)?.key as? Int ?? (try? $0.get().key).map { -$0 } }
            #expect(each == [0, 1, -2, -3, 4, -5])
            #expect(try pool.waitEachSuccess().map { try $0.get().value } == [0, 2, 3, 5])
            #expect(try pool.waitEachSuccess(for: [1, 4, 5]).map { try $0.get().value } == [5])
            let failed = try pool.waitEachError().map { try $0.get() }
            #expect(failed.map { $0.key as? Int } == [1, 4])
            #expect(failed.map { $0.underlying as? Mistake } == [Mistake(number: 1), Mistake(number: 4)])
            #expect(try pool.waitEachError(for: [0, 4]).map { try $0.get().key as? Int } == [4])
            #expect(Array(pool.waitEachError(for: [0, 2])).isEmpty)
        }
    }

    @Test
    func `is passed to many waiting threads, in the order in which they came`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            var order: [Int] = []
            let readers = (0..<20).map { number in
                spawn {
                    let value = number.isMultiple(of: 2) ? try pool["a"] : try pool.wait(for: ["a"])["a"]
                    order.append(number)
                    return value
                }
            }
            try settle()
            try pool.post(7, for: "a")
            for reader in readers {
                #expect(try reader.wait() == 7)
            }
            #expect(order == Array(0..<20))
        }
    }

    @Test
    func `reaches waiting threads while others are interrupted`() throws {
        try onHub { () throws in
            let pool = DAGPool<String, Int>()
            let readers = (0..<6).map { number in
                spawn { number < 3 ? try pool["a"] : try pool.waitAll().count + (try pool["a"]) }
            }
            let timed = spawn { try withTimeout(.milliseconds(1)) { try pool["a"] } }
            var last: [Result<(key: String, value: Int), any Error>] = []
            let iterator = spawn { last = Array(pool.waitEach(for: ["a", "b"])) }
            try settle()
            try pool.post(2, for: "b")
            try settle()
            try readers[0].kill(throwing: Mistake(number: 1))
            try iterator.kill(throwing: Mistake(number: 2), waitingForEnd: true)
            try #expect(#require(throws: Timeout.self) { try timed.wait() }.duration == .milliseconds(1))
            try readers[4].kill()
            try pool.post(1, for: "a")
            #expect(throws: Mistake(number: 1)) { try readers[0].wait() }
            #expect(throws: GreenExit.self) { try readers[4].wait() }
            #expect(try [1, 2, 3, 5].map { try readers[$0].wait() } == [1, 1, 1, 1])
            #expect(try last.first?.get().key == "b")
            #expect(last.count == 2, "the interrupt is the last element")
            #expect(throws: Mistake(number: 2)) { try last.last?.get() }
        }
    }
}
