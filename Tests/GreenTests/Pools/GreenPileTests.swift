import Green
import Testing

@Suite("A pile of green threads")
struct GreenPileTests {
    @Test
    func `that is empty is an empty sequence`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            #expect(pile.count == 0)
            #expect(try pile.next() == nil)
            #expect(try pile.nextResult(timeout: .zero) == nil)
            #expect(Array(pile).isEmpty)
        }
    }

    @Test
    func `returns results in the order of the spawns, in whatever order they end`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            let gates = (0..<4).map { _ in Event<Void>() }
            for (number, gate) in gates.enumerated() {
                try pile.spawn(name: "worker \(number)") {
                    try gate.wait()
                    return number
                }
            }
            #expect(pile.count == 4)
            for number in [2, 3, 1] {
                try gates[number].send()
                try settle()
            }
            #expect(failure { try pile.next(timeout: .zero) }?.code == .timedOut)
            try gates[0].send()
            #expect(try (0..<5).map { _ in try pile.next() } == [0, 1, 2, 3, nil])
            #expect(pile.count == 0)
        }
    }

    @Test
    func `runs at most as many threads as its size`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>(size: 2)
            var running = 0
            var most = 0
            for number in 0..<20 {
                try pile.spawn {
                    running += 1
                    most = max(most, running)
                    try GreenThread.yield()
                    running -= 1
                    return number
                }
            }
            #expect(try pile.map { try $0.get() } == Array(0..<20))
            #expect(most == 2)
        }
    }

    @Test
    func `shares a pool with others, each in its own order`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            let piles = (0..<3).map { _ in GreenPile<Int>(pool) }
            for number in 0..<9 {
                try piles[number % 3].spawn { number }
                #expect(pool.runningCount <= 2)
            }
            #expect(try piles.map { try $0.map { try $0.get() } } == [[0, 3, 6], [1, 4, 7], [2, 5, 8]])
        }
    }

    @Test
    func `continues after an error, which is the result of its item`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            for number in 0..<4 {
                try pile.spawn {
                    if number % 2 == 1 { throw Mistake(number: number) }
                    return number
                }
            }
            #expect(try pile.next() == 0)
            #expect(throws: Mistake(number: 1)) { try pile.next() }
            #expect(try pile.next() == 2)
            let last = try pile.nextResult()
            #expect(throws: Mistake(number: 3)) { try last?.get() }
            #expect(try pile.next() == nil)
        }
    }

    @Test
    func `loses no result to a timeout`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            let gate = Event<Int>()
            try pile.spawn { try gate.wait() }
            try pile.spawn { throw SystemError(code: .timedOut, message: "its own") }
            #expect(failure { try pile.next(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try pile.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(throws: Timeout.self) { try withTimeout(.milliseconds(1)) { try pile.next() } }
            #expect(pile.count == 2)
            try gate.send(7)
            #expect(try pile.next() == 7)
            let own = try pile.nextResult(timeout: .seconds(60))
            #expect(failure { try own?.get() }?.message == "its own", "the error of the wait, not of the item")
        }
    }

    @Test
    func `loses no result to a kill, and passes it to the next thread`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            let gate = Event<Int>()
            try pile.spawn { try gate.wait() }
            try pile.spawn { 2 }
            var taken: [Int?] = []
            let askers = (0..<3).map { _ in spawn { taken.append(try pile.next()) } }
            try settle()
            try askers[0].kill(throwing: Mistake(number: 0))
            #expect(throws: Mistake(number: 0)) { try askers[0].wait() }
            try gate.send(1)
            try askers[1].wait()
            try askers[2].wait()
            #expect(taken == [1, 2])
        }
    }

    @Test
    func `serves threads in the order in which they came`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            let gate = Event<Void>()
            for number in 0..<4 {
                try pile.spawn {
                    try gate.wait()
                    return number
                }
            }
            func ask(_ times: Int) -> GreenThread<[Int?]> {
                spawn { try (0..<times).map { _ in try pile.next() } }
            }
            // The first asks a second time before the second has run.
            let first = ask(2)
            let second = ask(3)
            try settle()
            try gate.send()
            #expect(try first.wait() == [0, 2])
            #expect(try second.wait() == [1, 3, nil])
        }
    }

    @Test
    func `is not empty while a spawn waits for room`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 1)
            try pool.detach { try gate.wait() }
            let pile = GreenPile<Int>(pool)
            let spawner = spawn {
                try pile.spawn { 1 }
                try pile.spawn { 2 }
            }
            var taken: [Int?] = []
            let asker = spawn {
                for _ in 0..<2 {
                    taken.append(try pile.next())
                }
            }
            try settle()
            #expect(pile.count == 1)
            #expect(taken == [])
            #expect(failure { try pile.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            try gate.send()
            try spawner.wait()
            try asker.wait()
            #expect(taken == [1, 2])
        }
    }

    @Test
    func `moves up when a spawn that waits for room fails`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 1)
            try pool.detach { try gate.wait() }
            let pile = GreenPile<Int>(pool)
            let spawners = (0..<3).map { number in spawn { try pile.spawn { number } } }
            try settle()
            #expect(failure { try pile.spawn(timeout: .zero) { 3 } }?.code == .timedOut)
            let asker = spawn { try pile.next() }
            try settle()
            #expect(pile.count == 3)
            try spawners[0].kill(waitingForEnd: true)
            try spawners[1].kill(waitingForEnd: true)
            #expect(pile.count == 1)
            try gate.send()
            #expect(try asker.wait() == 2)
            #expect(try pile.next() == nil)
        }
    }

    @Test
    func `is empty for a waiting thread when the only spawn fails`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 0)
            let pile = GreenPile<Int>(pool)
            let spawner = spawn { try pile.spawn { 1 } }
            let asker = spawn { try pile.next() }
            try settle()
            #expect(!asker.isFinished)
            try spawner.kill()
            #expect(try asker.wait() == nil)
        }
    }

    @Test
    func `keeps the order of the spawns when functions are called in place`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let pile = GreenPile<Int>(pool)
            let outer = try pool.spawn {
                try pile.spawn {
                    try pile.spawn { 2 }
                    return 1
                }
                try pile.spawn { throw Mistake(number: 3) }
            }
            try outer.wait()
            #expect(try pile.next() == 1)
            #expect(try pile.next() == 2)
            #expect(throws: Mistake(number: 3)) { try pile.next() }
        }
    }

    @Test
    func `returns the interrupt of a function called in place as its result`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let pile = GreenPile<Int>(pool)
            let outer = try pool.spawn {
                try pile.spawn {
                    try GreenThread.sleep(for: .seconds(1000))
                    return 1
                }
            }
            try settle()
            try outer.kill(throwing: Mistake(number: 5))
            #expect(throws: Mistake(number: 5)) { try outer.wait() }
            #expect(pile.count == 1)
            #expect(throws: Mistake(number: 5)) { try pile.next() }
        }
    }

    @Test
    func `throws a deadlock error to a thread that waits for its own result`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let pile = GreenPile<Int>(pool)
            try pile.spawn { try pile.next() ?? -1 }
            #expect(throws: DeadlockError.self) { try pile.next() }
            let outer = try pool.spawn { try pile.spawn { try pile.next() ?? -1 } }
            try outer.wait()
            let error = #expect(throws: DeadlockError.self) { try pile.next() }
            #expect(error?.message.contains("its own result") == true)
        }
    }

    @Test
    func `is a sequence that continues after errors and ends with an interrupt`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>()
            let gate = Event<Void>()
            try pile.spawn { throw Mistake(number: 0) }
            try pile.spawn { 1 }
            try pile.spawn {
                try gate.wait()
                return 2
            }
            let loop = spawn { Array(pile) }
            try settle()
            try loop.kill()
            let results = try loop.wait()
            try #require(results.count == 3)
            #expect(throws: Mistake(number: 0)) { try results[0].get() }
            #expect(try results[1].get() == 1)
            #expect(throws: GreenExit.self) { try results[2].get() }
            try gate.send()
            #expect(try pile.map { try $0.get() } == [2])
        }
    }

    @Test
    func `serves many, in order`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>(size: 10)
            var sum = 0
            let asker = spawn {
                for expected in 0..<10_000 {
                    while pile.count == 0 {
                        try GreenThread.yield()
                    }
                    guard try pile.next() == expected else { throw Mistake(number: expected) }
                    sum += expected
                }
            }
            for number in 0..<10_000 {
                try pile.spawn {
                    if number % 7 == 0 { try GreenThread.yield() }
                    return number
                }
            }
            try asker.wait()
            #expect(sum == 49_995_000)
        }
    }

    @Test
    func `destroys each result once, taken or not`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let pile = GreenPile<Tracked>(size: 3)
            for _ in 0..<100 {
                let captured = ledger.make()
                try pile.spawn {
                    captured.touch()
                    return ledger.make()
                }
            }
            for _ in 0..<50 {
                try pile.next()?.touch()
            }
            #expect(ledger.gone >= 147, "taken results are destroyed")
        }
        #expect(ledger.made == 200)
        #expect(ledger.gone == 200)
    }

    @Test
    func `lets its threads continue when it is released, and their errors are reported`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 4)
                var ran = 0
                do {
                    let pile = GreenPile<Int>(pool)
                    try pile.spawn { throw Mistake(number: 1) }
                    for _ in 0..<2 {
                        try pile.spawn {
                            try GreenThread.yield()
                            ran += 1
                            throw Mistake(number: 2)
                        }
                    }
                    _ = try? pile.next()
                }
                try pool.waitAll()
                precondition(ran == 2)
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.hasSuffix("ended with an error that no thread waited for: Mistake(number: 2)") })
    }

    @Test
    func `ends the process if its size is negative`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = GreenPile<Int>(size: -1)
        }
        #expect(String(decoding: child.standardErrorContent, as: UTF8.self).contains("a pool of -1 green threads"))
    }
}
