import Green
import Testing

@Suite("A map in a pool that is shared, resized or full")
struct MapRoomTests {
    @Test
    func `waits for room only if none of its elements is running`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 2)
            try pool.detach { try gate.wait() }
            let progress = Progress()
            let results = pool.map(progress.elements().prefix(4)) { $0 }
            #expect(try results.next() == 0)
            #expect(progress.pulled == 1, "there was room for one")
            try pool.detach { try gate.wait() }
            #expect(pool.runningCount == 2)
            let asker = spawn { try results.next() }
            try settle()
            #expect(!asker.isFinished)
            try gate.send()
            #expect(try asker.wait() == 1)
            #expect(try results.next() == 2)
            #expect(try results.next() == 3)
        }
    }

    @Test
    func `waits for the next result when its input uses all places of the pool`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 2)
            var pulled = 0
            let input = AnyIterator<Int> {
                pulled += 1
                if pulled == 2 {
                    _ = try? pool.spawn { try gate.wait() }
                }
                return pulled < 4 ? pulled : nil
            }
            let results = pool.map(input) { $0 }
            #expect(try results.next() == 1)
            #expect(pulled == 2)
            try gate.send()
            #expect(try results.next() == 2)
            #expect(try results.next() == 3)
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `calls its function in place from inside a full pool`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let numbers = try pool.spawn {
                let outer = GreenThread.current
                return try pool.map(0..<3) { number in
                    try GreenThread.yield()
                    return GreenThread.current == outer ? number : -1
                }.map { try $0.get() }
            }
            #expect(try numbers.wait() == [0, 1, 2])
            let failing = try pool.spawn {
                let results = pool.mapUnordered(0..<2) { number in
                    if number == 0 { throw Mistake(number: 0) }
                    return number
                }
                return [try results.nextResult(), try results.nextResult(), try results.nextResult()]
            }
            let results = try failing.wait()
            #expect(throws: Mistake(number: 0)) { try results[0]?.get() }
            #expect(try results[1]?.get() == 1)
            #expect(results[2] == nil)
        }
    }

    @Test
    func `nests in one pool without a deadlock`() throws {
        try onHub { () throws in
            for size in 1...5 {
                let pool = GreenPool(size: size)
                let sums = pool.map(0..<6) { row in
                    try pool.map(0..<6) { column in
                        try pool.map(0..<3) { depth in
                            try GreenThread.yield()
                            return row + column + depth
                        }.reduce(0) { try $0 + $1.get() }
                    }.reduce(0) { try $0 + $1.get() }
                }
                #expect(try sums.map { try $0.get() } == (0..<6).map { $0 * 18 + 63 })
                #expect(pool.runningCount == 0)
            }
        }
    }

    @Test
    func `follows the size of the pool`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let progress = Progress()
            let results = pool.map(progress.elements()) { number in try progress.work { number } }
            _ = try results.next()
            _ = try results.next()
            #expect(progress.pulled == 2)
            pool.resize(to: 4)
            _ = try results.next()
            #expect(progress.pulled == 6)
            pool.resize(to: 2)
            for expected in 3..<6 {
                #expect(try results.next() == expected)
            }
            #expect(progress.pulled == 7, "elements above the new size were not replaced")
        }
    }

    @Test
    func `continues when a pool without room is resized while it waits`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 0)
            let results = pool.map(0..<3) { $0 }
            let asker = spawn { try results.map { try $0.get() } }
            try settle()
            #expect(pool.waitingCount == 1)
            pool.resize(to: 2)
            #expect(try asker.wait() == [0, 1, 2])
        }
    }

    @Test
    func `returns a lack of memory for a thread as a result`() throws {
        try onHub { () throws in
            for inOrder in [true, false] {
                let pool = GreenPool(size: 2, stackSize: 1 << 60)
                let results = inOrder ? pool.map(0..<2) { $0 } : pool.mapUnordered(0..<2) { $0 }
                for _ in 0..<2 {
                    let result = try results.nextResult()
                    #expect(failure { try result?.get() }?.code == .noMemory)
                }
                #expect(try results.nextResult() == nil)
            }
        }
    }

    @Test
    func `keeps its memory flat over many elements`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let pool = GreenPool(size: 100)
            var most = 0
            var expected = 0
            for result in pool.map(0..<100_000, { number in (number, ledger.make()) }) {
                let (number, tracked) = try result.get()
                tracked.touch()
                guard number == expected else { throw Mistake(number: number) }
                expected += 1
                most = max(most, ledger.made - ledger.gone)
            }
            #expect(expected == 100_000)
            #expect(most <= 101)
        }
        #expect(ledger.gone == 100_000)
    }
}
