import Green
import Testing

/// Longer than any test takes.
private let longTime = Duration.seconds(1000)

@Suite("A full pool, in one of its own threads,")
struct InPlaceTests {
    /// Runs the body in the only thread of a pool.
    private func inside<Success>(_ body: @escaping (GreenPool) throws -> Success) throws -> Success {
        let pool = GreenPool(size: 1)
        return try pool.spawn { [unowned pool] in try body(pool) }.wait()
    }

    @Test
    func `calls a function in place`() throws {
        try onHub { () throws in
            let (before, seen, result, same) = try inside { pool in
                var seen: GreenThread<Void>?
                let thread = try pool.spawn {
                    seen = GreenThread.current
                    try GreenThread.yield()
                    return 5
                }
                return (thread.isFinished, seen != nil, try thread.wait(), seen == GreenThread.current)
            }
            #expect(before, "the function ended before the spawn returned")
            #expect(seen)
            #expect(result == 5)
            #expect(same)
        }
    }

    @Test
    func `calls it in place to any depth, and runs nothing beside it`() throws {
        func descend(_ depth: Int, _ pool: GreenPool) throws -> Int {
            depth == 0 ? pool.runningCount : try pool.spawn { try descend(depth - 1, pool) }.wait()
        }
        try onHub { () throws in
            #expect(try inside { try descend(20, $0) } == 1)
        }
    }

    @Test
    func `does not wait for room, whatever the timeout`() throws {
        try onHub { () throws in
            #expect(try inside { try $0.spawn(timeout: .zero) { 3 }.wait() } == 3)
        }
    }

    @Test
    func `spawns a thread while there is room`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            let isFinished = try pool.spawn {
                let inner = try pool.spawn {}
                defer { _ = try? inner.wait() }
                return inner.isFinished
            }.wait()
            #expect(!isFinished)
        }
    }

    @Test
    func `throws a function's error from the handle, not from the spawn`() throws {
        try onHub { () throws in
            let error = try inside { pool throws -> Mistake? in
                let thread = try pool.spawn { throw Mistake(number: 1) }
                do {
                    try thread.wait()
                    return nil
                } catch {
                    return error as? Mistake
                }
            }
            #expect(error == Mistake(number: 1))
            let own = try inside { pool in
                let thread = try pool.spawn { throw GreenExit() }
                return thread.isFinished
            }
            #expect(own, "a function that throws GreenExit does not end its caller")
        }
    }

    @Test
    func `throws an interrupt of the caller from both`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            var inner: GreenThread<Void>?
            var fromSpawn: (any Error)?
            let outer = try pool.spawn {
                do {
                    inner = try pool.spawn { try GreenThread.sleep(for: longTime) }
                } catch {
                    fromSpawn = error
                    throw error
                }
            }
            try settle()
            try outer.kill(throwing: Mistake(number: 2))
            #expect(throws: Mistake(number: 2)) { try outer.wait() }
            #expect(fromSpawn as? Mistake == Mistake(number: 2))
            #expect(inner == nil)
        }
    }

    @Test
    func `reports an error of a detached function, and throws an interrupt of the caller`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 1)
                let outer = try pool.spawn(name: "outer") {
                    try pool.detach {}
                    try pool.detach { throw GreenExit() }
                    try pool.detach { throw Mistake(number: 6) }
                    try pool.detach { try GreenThread.sleep(for: .seconds(1000)) }
                }
                try settle()
                try outer.kill(throwing: Mistake(number: 7))
                do {
                    try outer.wait()
                    fatalError("it was killed")
                } catch let error as Mistake {
                    precondition(error.number == 7)
                }
                try pool.detach(name: "last") { throw Mistake(number: 8) }
                try pool.waitAll()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 2)
        #expect(lines.first?.contains("'outer' detached ended with an error: Mistake(number: 6)") == true)
        #expect(lines.last?.hasSuffix("'last' ended with an error: Mistake(number: 8)") == true)
    }

    @Test
    func `reports an error that no thread waited for, but none that was thrown`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 1)
                let outer = try pool.spawn {
                    try pool.spawn { throw Mistake(number: 1) }
                    try pool.spawn { try GreenThread.sleep(for: .seconds(1000)) }
                }
                try settle()
                try outer.kill(throwing: Mistake(number: 2))
                _ = try? outer.wait()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 1)
        #expect(lines.first?.hasSuffix("ended with an error that no thread waited for: Mistake(number: 1)") == true)
    }
}
