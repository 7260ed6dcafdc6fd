import Green
import Testing

@Suite("An offload pool")
struct OffloadPoolTests {
    private func begin(_ number: Int, on pool: OffloadPool, _ gate: Gate) throws -> [GreenThread<Void>] {
        let callers = (0..<number).map { _ in spawn { try pool.run { gate.pass() } } }
        try until { pool.runningCount + pool.waitingCount == number }
        return callers
    }

    @Test
    func `grows and shrinks`() throws {
        try onHub { () throws in
            let pool = OffloadPool(threads: 1, idle: nil)
            let gate = Gate()
            let callers = try begin(4, on: pool, gate)
            try until { pool.runningCount == 1 }
            #expect(pool.waitingCount == 3)
            pool.resize(to: 3)
            #expect(pool.size == 3)
            try until { pool.runningCount == 3 }
            #expect(pool.workerCount == 3)
            pool.resize(to: 1)
            #expect(pool.workerCount == 3)
            for _ in callers { gate.open() }
            for caller in callers { try caller.wait() }
            try until { pool.workerCount == 1 }
            #expect(try pool.run { 7 } == 7)
        }
    }

    @Test
    func `is emptied, and can be used again`() throws {
        try onHub { () throws in
            let pool = OffloadPool(threads: 2, idle: nil)
            let gate = Gate()
            let callers = try begin(3, on: pool, gate)
            #expect(failure { try pool.waitAll(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try pool.empty(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(throws: Timeout.self) { try withTimeout(.milliseconds(1)) { try pool.empty() } }
            let emptying = spawn { try pool.empty() }
            let killed = spawn { try pool.empty() }
            try settle()
            try killed.kill()
            #expect(throws: GreenExit.self) { try killed.wait() }
            for _ in callers { gate.open() }
            try emptying.wait()
            #expect(pool.workerCount == 0)
            for caller in callers { try caller.wait() }
            #expect(try pool.run { 7 } == 7)
            try pool.waitAll()
            #expect(pool.workerCount == 1)
            try pool.empty()
        }
    }

    @Test
    func `ends the process if its size is less than one`() async {
        await #expect(processExitsWith: .failure) { OffloadPool().resize(to: 0) }
        await #expect(processExitsWith: .failure) { OffloadPool.shared.resize(to: -1) }
    }

    @Test
    func `may have any number of workers`() throws {
        try onHub { () throws in
            let pool = OffloadPool()
            pool.resize(to: .max)
            #expect(pool.size == Int(UInt32.max))
            #expect(pool.workerCount == 0)
            try pool.empty(timeout: .zero)
        }
    }
}
