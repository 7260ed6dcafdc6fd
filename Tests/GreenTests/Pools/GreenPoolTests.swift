import Green
import Testing

@Suite("A pool of green threads")
struct GreenPoolTests {
    /// A pool that is filled by threads that wait for the gate.
    private func fullPool(size: Int, gate: Event<Void>) throws -> GreenPool {
        let pool = GreenPool(size: size)
        for _ in 0..<size {
            try pool.spawn { try gate.wait() }
        }
        try settle()
        return pool
    }

    @Test
    func `has room for 1000 threads by default`() throws {
        try onHub { () throws in
            #expect(GreenPool().size == 1000)
            let pool = GreenPool(size: 3)
            #expect(pool.size == 3)
            #expect(pool.availableCount == 3)
            #expect(pool.runningCount == 0)
            #expect(pool.waitingCount == 0)
        }
    }

    @Test
    func `returns results and errors through the handles`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            let good = try pool.spawn { "good" }
            let bad = try pool.spawn(name: "bad") { throw Mistake(number: 1) }
            #expect(bad.name == "bad")
            #expect(pool.runningCount == 2, "a thread counts from its spawn")
            #expect(!good.isFinished)
            #expect(try good.wait() == "good")
            #expect(throws: Mistake(number: 1)) { try bad.wait() }
            #expect(pool.runningCount == 0)
        }
    }

    @Test
    func `never runs more threads than its size, and blocks spawns`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            var running = 0
            var most = 0
            for _ in 0..<20 {
                try pool.detach {
                    running += 1
                    most = max(most, running)
                    try GreenThread.yield()
                    running -= 1
                }
            }
            try pool.waitAll()
            #expect(most == 3)
            #expect(running == 0)
        }
    }

    @Test
    func `serves waiting spawns in the order in which they came`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = try fullPool(size: 1, gate: gate)
            var order: [Int] = []
            let spawners = (0..<5).map { number in
                spawn { try pool.spawn { order.append(number) }.wait() }
            }
            try settle()
            #expect(pool.waitingCount == 5)
            #expect(pool.availableCount == 0)
            #expect(order == [])
            try gate.send()
            for spawner in spawners {
                try spawner.wait()
            }
            #expect(order == [0, 1, 2, 3, 4])
            #expect(pool.waitingCount == 0)
        }
    }

    @Test
    func `that is full throws when a spawn times out`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = try fullPool(size: 1, gate: gate)
            var called = false
            #expect(failure { try pool.spawn(timeout: .zero) { called = true } }?.code == .timedOut)
            #expect(failure { try pool.spawn(timeout: .milliseconds(1)) { called = true } }?.code == .timedOut)
            #expect(failure { try pool.detach(timeout: .milliseconds(1)) { called = true } }?.code == .timedOut)
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) { try pool.spawn { called = true } }
            }
            try gate.send()
            try pool.waitAll()
            #expect(!called)
            #expect(pool.availableCount == 1)
            #expect(try pool.spawn(timeout: .zero) { 5 }.wait() == 5)
        }
    }

    @Test
    func `skips a killed thread that waited for room, and serves the next`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = try fullPool(size: 1, gate: gate)
            var called: [Int] = []
            let spawners = (0..<3).map { number in
                spawn { try pool.detach { called.append(number) } }
            }
            try settle()
            try spawners[0].kill(throwing: Mistake(number: 0))
            try spawners[1].kill()
            #expect(throws: Mistake(number: 0)) { try spawners[0].wait() }
            #expect(throws: GreenExit.self) { try spawners[1].wait() }
            #expect(pool.waitingCount == 1)
            try gate.send()
            try spawners[2].wait()
            try pool.waitAll()
            #expect(called == [2])
        }
    }

    @Test
    func `releases the slot of a thread that was killed before it ran`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let unborn = try pool.spawn { fatalError("it was killed") }
            try unborn.kill()
            #expect(try pool.spawn { 1 }.wait() == 1)
        }
    }

    @Test
    func `of size 0 makes a spawn wait until it is resized`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 0)
            #expect(pool.availableCount == 0)
            let spawner = spawn { try pool.spawn { 7 }.wait() }
            try settle()
            #expect(pool.waitingCount == 1)
            pool.resize(to: 1)
            #expect(try spawner.wait() == 7)
        }
    }

    @Test
    func `serves waiting spawns as soon as it grows`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = try fullPool(size: 1, gate: gate)
            var entered = 0
            let spawners = (0..<3).map { _ in
                spawn {
                    try pool.detach {
                        entered += 1
                        try gate.wait()
                    }
                }
            }
            try settle()
            #expect(pool.waitingCount == 3)
            pool.resize(to: 3)
            try settle()
            #expect(entered == 2, "no running thread had to end for that")
            #expect(pool.waitingCount == 1)
            #expect(pool.runningCount == 3)
            try gate.send()
            for spawner in spawners {
                try spawner.wait()
            }
            try pool.waitAll()
            #expect(entered == 3)
        }
    }

    @Test
    func `that shrinks starts no thread, and lets running ones continue`() throws {
        try onHub { () throws in
            let gates = (0..<3).map { _ in Event<Void>() }
            let pool = GreenPool(size: 3)
            for gate in gates {
                try pool.detach { try gate.wait() }
            }
            try settle()
            pool.resize(to: 1)
            #expect(pool.runningCount == 3)
            #expect(pool.availableCount == -2)
            #expect(failure { try pool.spawn(timeout: .zero) {} }?.code == .timedOut)
            let spawner = spawn { try pool.spawn { 1 }.wait() }
            for (number, gate) in gates.enumerated() {
                try settle()
                #expect(!spawner.isFinished, "\(3 - number) run")
                try gate.send()
            }
            #expect(try spawner.wait() == 1)
            #expect(pool.availableCount == 1)
        }
    }

    @Test
    func `waits until none of its threads runs or waits for room`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            try pool.waitAll()
            var ended = 0
            for number in 0..<4 {
                detach {
                    try pool.detach {
                        defer { ended += 1 }
                        try GreenThread.yield()
                        if number == 2 { throw GreenExit() }
                    }
                }
            }
            try settle()
            try pool.waitAll()
            #expect(ended == 4)
            let failing = try pool.spawn { throw Mistake(number: 3) }
            try pool.waitAll()
            #expect(failing.isFinished, "an error of a thread does not matter")
            #expect(throws: Mistake.self) { try failing.wait() }
        }
    }

    @Test
    func `stops waiting for all after a timeout or a kill`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = try fullPool(size: 2, gate: gate)
            #expect(failure { try pool.waitAll(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try pool.waitAll(timeout: .milliseconds(1)) }?.code == .timedOut)
            let waiter = spawn { try pool.waitAll() }
            try settle()
            try waiter.kill(throwing: Mistake(number: 4))
            #expect(throws: Mistake(number: 4)) { try waiter.wait() }
            try gate.send()
            try pool.waitAll(timeout: .seconds(60))
            #expect(pool.runningCount == 0)
        }
    }

    @Test
    func `throws a deadlock error if one of its own threads waits for all`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            let thread = try pool.spawn { try pool.waitAll() }
            let error = #expect(throws: DeadlockError.self) { try thread.wait() }
            #expect(error?.message.contains("pool") == true)
        }
    }

    @Test
    func `gives each of its threads the stack size that it was created with`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2, stackSize: 4 << 20)
            let thread = try pool.spawn { GreenThread.current.stackSize }
            var detached = 0
            try pool.detach { detached = GreenThread.current.stackSize }
            let size = try thread.wait()
            try pool.waitAll()
            #expect(size >= 4 << 20 && size < 5 << 20)
            #expect(detached == size)
        }
    }

    @Test
    func `lets its threads continue when it is released`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            var pool: GreenPool? = GreenPool(size: 2)
            weak let trace = pool
            let thread = try pool?.spawn { try gate.wait() }
            try settle()
            pool = nil
            #expect(trace == nil)
            try gate.send()
            try thread?.wait()
            #expect(thread?.isFinished == true)
        }
    }

    @Test
    func `is retained while a thread waits for room in it`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            var pool: GreenPool? = try fullPool(size: 1, gate: gate)
            weak let trace = pool
            let spawner = spawn { [pool] in try pool?.spawn { 9 }.wait() }
            try settle()
            pool = nil
            #expect(trace != nil)
            try gate.send()
            #expect(try spawner.wait() == 9)
            #expect(trace == nil)
        }
    }
}
