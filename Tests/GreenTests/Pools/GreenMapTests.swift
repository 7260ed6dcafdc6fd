import Green
import Testing

/// What a map has started and what of it was taken.
private final class Progress {
    var pulled = 0
    var started = 0
    var ended = 0
    var running = 0
    var mostRunning = 0

    /// Elements without an end, counted as they are taken.
    func elements() -> AnyIterator<Int> {
        AnyIterator {
            self.pulled += 1
            return self.pulled - 1
        }
    }

    func work<Result>(_ body: () throws -> Result) throws -> Result {
        started += 1
        running += 1
        mostRunning = max(mostRunning, running)
        defer {
            running -= 1
            ended += 1
        }
        return try body()
    }
}

@Suite("A map over a pool")
struct GreenMapTests {
    @Test
    func `hands results out in the order of the input, however they come about`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 4)
            let results = pool.map(0..<50) { number in
                for _ in 0..<(number * 7 % 5) {
                    try GreenThread.yield()
                }
                return number * number
            }
            var squares: [Int] = []
            while let square = try results.next() {
                squares.append(square)
            }
            #expect(squares == (0..<50).map { $0 * $0 })
            #expect(try results.next() == nil, "the end is the end")
            #expect(pool.running == 0)
        }
    }

    @Test
    func `of nothing has no results`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 4)
            #expect(try pool.map([Int]()) { $0 }.next() == nil)
            #expect(Array(pool.mapUnordered([Int]()) { $0 }).isEmpty)
            #expect(try pool.map(pulling: { Int?.none }) { $0 }.nextResult(timeout: .zero) == nil)
        }
    }

    @Test
    func `takes functions of several arguments by tuples`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let sums = pool.map(zip([1, 2, 3], [10, 20, 30])) { a, b in a + b }
            #expect(try sums.map { try $0.get() } == [11, 22, 33])
            let words = pool.map(["a": 1, "b": 2].sorted { $0.key < $1.key }) { key, value in "\(key)\(value)" }
            #expect(try words.map { try $0.get() } == ["a1", "b2"])
            let products = pool.mapUnordered(zip([2, 3], [5, 7])) { a, b in a * b }
            #expect(try products.map { try $0.get() }.sorted() == [10, 21])
        }
    }

    @Test(arguments: [true, false])
    func `begins when the first result is asked for, and reads no further ahead than its size`(inOrder: Bool) throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let progress = Progress()
            let elements = progress.elements()
            let results =
                inOrder
                ? pool.map(elements) { number in try progress.work { number } }
                : pool.mapUnordered(elements) { number in try progress.work { number } }
            try settle()
            #expect(progress.pulled == 0)
            for taken in 1...20 {
                #expect(try results.next() == taken - 1)
                try settle()
                #expect(progress.started - taken < 3, "never more than size are started and not taken")
                #expect(progress.pulled == progress.started)
            }
            #expect(progress.started == 22)
        }
    }

    @Test
    func `runs as many at a time as the pool has room for`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 5)
            let progress = Progress()
            let results = pool.map(0..<40) { _ in try progress.work { try GreenThread.yield() } }
            while try results.next() != nil {}
            #expect(progress.ended == 40)
            #expect(progress.mostRunning == 5)
        }
    }

    @Test
    func `goes on behind an error, which comes at its element`() throws {
        try onHub { () throws in
            let results = GreenPool(size: 2).map(0..<4) { number in
                if number % 2 == 1 { throw Mistake(number: number) }
                return number
            }
            #expect(try results.next() == 0)
            #expect(throws: Mistake(number: 1)) { try results.next() }
            #expect(try results.next() == 2)
            let last = try results.nextResult()
            #expect(throws: Mistake(number: 3)) { try last?.get() }
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `throws an error of its input behind the results before it, and ends there`() throws {
        try onHub { () throws in
            for inOrder in [true, false] {
                var next = 0
                let pull = {
                    next += 1
                    if next == 4 { throw Mistake(number: 4) }
                    return Int?(next)
                }
                let pool = GreenPool(size: 10)
                let results =
                    inOrder ? pool.map(pulling: pull) { $0 * 10 } : pool.mapUnordered(pulling: pull) { $0 * 10 }
                #expect(try (0..<3).map { _ in try results.next() } == [10, 20, 30])
                #expect(throws: Mistake(number: 4)) { try results.next() }
                #expect(try results.next() == nil)
                #expect(try results.next() == nil)
                #expect(next == 4, "it is not asked again")
            }
        }
    }

    @Test
    func `takes its elements from whatever closure`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            let producer = spawn {
                for number in 0..<20 {
                    try jobs.put(number)
                    try GreenThread.yield()
                }
                jobs.close()
            }
            let results = GreenPool(size: 4).map(pulling: { try jobs.next() }) { -$0 }
            #expect(try results.map { try $0.get() } == (0..<20).map { -$0 })
            try producer.wait()
        }
    }

    @Test
    func `is a sequence that goes on behind errors`() throws {
        try onHub { () throws in
            var text = ""
            for result in GreenPool(size: 2).map(0..<4, half) {
                switch result {
                case .success(let number): text += "\(number) "
                case .failure(let error): text += "\(error) "
                }
            }
            #expect(text == "0 Mistake(number: 1) 1 Mistake(number: 3) ")
        }
    }

    private func half(_ number: Int) throws -> Int {
        if number % 2 == 1 { throw Mistake(number: number) }
        return number / 2
    }

    @Test
    func `is one map, however many copies and iterators there are`() throws {
        try onHub { () throws in
            let results = GreenPool(size: 2).map(0..<6) { $0 }
            let copy = results
            #expect(try results.next() == 0)
            #expect(try copy.next() == 1)
            for result in results {
                #expect(try result.get() == 2)
                break
            }
            #expect(try copy.map { try $0.get() } == [3, 4, 5])
        }
    }

    @Test
    func `serves several who ask in the order they came`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let results = GreenPool(size: 8).map(0..<5) { number in
                try gate.wait()
                return number
            }
            var taken: [String] = []
            let askers = ["a", "b", "c"].map { name in
                spawn {
                    while let number = try results.next() {
                        taken.append("\(name)\(number)")
                    }
                }
            }
            try settle()
            try gate.send()
            for asker in askers {
                try asker.wait()
            }
            #expect(taken == ["a0", "b1", "c2", "a3", "b4"])
        }
    }

    @Test
    func `frees its input at the end`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let input = [ledger.make(), ledger.make()]
            let results = GreenPool(size: 2).map(consume input) { $0.touch() }
            while try results.next() != nil {}
            #expect(ledger.gone == 2)
            withExtendedLifetime(results) {}
        }
    }
}

@Suite("An unordered map over a pool")
struct UnorderedMapTests {
    @Test
    func `hands out each result as soon as there is one`() throws {
        try onHub { () throws in
            let gates = (0..<4).map { _ in Event<Void>() }
            let results = GreenPool(size: 4).mapUnordered(0..<4) { number in
                try gates[number].wait()
                return number
            }
            for number in [2, 0, 3, 1] {
                try gates[number].send()
                #expect(try results.next() == number)
            }
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `hands out errors in the same way`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let results = GreenPool(size: 2).mapUnordered(0..<2) { number in
                guard number == 0 else { throw Mistake(number: number) }
                try gate.wait()
                return number
            }
            #expect(throws: Mistake(number: 1)) { try results.next() }
            try gate.send()
            #expect(try results.next() == 0)
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `hands out all of many, each once`() throws {
        try onHub { () throws in
            let results = GreenPool(size: 7).mapUnordered(0..<1000) { number in
                for _ in 0..<(number % 4) {
                    try GreenThread.yield()
                }
                return number
            }
            var seen = Set<Int>()
            var count = 0
            for result in results {
                seen.insert(try result.get())
                count += 1
            }
            #expect(count == 1000)
            #expect(seen.count == 1000)
        }
    }
}

@Suite("An interrupt of who asks a map for a result")
struct MapInterruptTests {
    @Test(arguments: [true, false])
    func `loses nothing`(inOrder: Bool) throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 3)
            let work = { (number: Int) in
                try gate.wait()
                return number
            }
            let results = inOrder ? pool.map(0..<5, work) : pool.mapUnordered(0..<5, work)
            #expect(failure { try results.next(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try results.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(throws: Timeout.self) { try withTimeout(.milliseconds(1)) { try results.next() } }
            let asker = spawn { try results.next() }
            try settle()
            try asker.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try asker.wait() }
            try gate.send()
            #expect(try results.map { try $0.get() } == [0, 1, 2, 3, 4])
        }
    }

    @Test
    func `is told from the very same error of an element`() throws {
        try onHub { () throws in
            let results = GreenPool(size: 2).map(0..<2) { _ in
                throw SystemError(code: .timedOut, message: "its own")
            }
            let first = try results.nextResult(timeout: .seconds(60))
            #expect(failure { try first?.get() }?.message == "its own")
            #expect(failure { try results.next(timeout: .seconds(60)) }?.message == "its own")
        }
    }

    @Test
    func `is the last element of a loop, and another loop goes on`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let results = GreenPool(size: 2).map(0..<3) { number in
                if number == 1 { try gate.wait() }
                return number
            }
            let loop = spawn { Array(results) }
            try settle()
            try loop.kill()
            let found = try loop.wait()
            #expect(found.count == 2)
            #expect(try found.first?.get() == 0)
            #expect(throws: GreenExit.self) { try found.last?.get() }
            try gate.send()
            #expect(try results.map { try $0.get() } == [1, 2])
        }
    }

    @Test
    func `waits for room, and keeps the element`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 1)
            try pool.detach { try gate.wait() }
            let progress = Progress()
            let results = pool.map(progress.elements().prefix(2)) { $0 }
            let asker = spawn { try results.next() }
            try settle()
            #expect(pool.waiting == 1)
            #expect(progress.pulled == 1)
            try asker.kill()
            #expect(throws: GreenExit.self) { try asker.wait() }
            #expect(failure { try results.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(progress.pulled == 1, "it is not asked for another")
            try gate.send()
            #expect(try results.map { try $0.get() } == [0, 1])
        }
    }

    @Test
    func `while the input blocks is thrown at once, and does not end the input`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            let gate = Event<Void>()
            try jobs.put(1)
            let results = GreenPool(size: 3).map(pulling: { try jobs.next() }) { number in
                try gate.wait()
                return number
            }
            let asker = spawn { try results.next() }
            try settle()
            #expect(jobs.getting == 1)
            try asker.kill(throwing: Mistake(number: 6))
            #expect(throws: Mistake(number: 6)) { try asker.wait() }
            #expect(throws: Timeout.self) { try withTimeout(.milliseconds(1)) { try results.next() } }
            for number in 2...3 {
                try jobs.put(number)
            }
            jobs.close()
            try gate.send()
            #expect(try results.map { try $0.get() } == [1, 2, 3])
        }
    }

    @Test
    func `in an element that is called in place is thrown, and is its result`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 1)
            let gate = Event<Void>()
            let results = pool.map(0..<2) { number in
                try gate.wait()
                return number
            }
            let asker = try pool.spawn { try results.next() }
            try settle()
            try asker.kill(throwing: Mistake(number: 2))
            #expect(throws: Mistake(number: 2)) { try asker.wait() }
            try gate.send()
            #expect(throws: Mistake(number: 2)) { try results.next() }
            #expect(try results.next() == 1)
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `is not needed where a map waits for itself`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            var results: GreenMap<Int?>?
            results = pool.map(0..<1) { _ in try results?.next() ?? -1 }
            #expect(throws: DeadlockError.self) { try results?.next() }
            results = nil
            var input: GreenMap<Int>?
            input = pool.map(pulling: { try input?.next() }) { $0 }
            let error = #expect(throws: DeadlockError.self) { try input?.next() }
            #expect(error?.message.contains("its own next result") == true)
            input = nil
        }
    }
}

@Suite("A map in a pool that is shared, resized or full")
struct MapRoomTests {
    @Test
    func `waits for room only when nothing of its own is under way`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 2)
            try pool.detach { try gate.wait() }
            let progress = Progress()
            let results = pool.map(progress.elements().prefix(4)) { $0 }
            #expect(try results.next() == 0)
            #expect(progress.pulled == 1, "there was room for one")
            try pool.detach { try gate.wait() }
            #expect(pool.running == 2)
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
                #expect(pool.running == 0)
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
            #expect(progress.pulled == 7, "as many as were too many were not replaced")
        }
    }

    @Test
    func `goes on when a pool that had no room is resized while it waits`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 0)
            let results = pool.map(0..<3) { $0 }
            let asker = spawn { try results.map { try $0.get() } }
            try settle()
            #expect(pool.waiting == 1)
            pool.resize(to: 2)
            #expect(try asker.wait() == [0, 1, 2])
        }
    }

    @Test
    func `hands out that there is no memory for a thread as its result`() throws {
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

@Suite("A map that is abandoned frees all it has")
struct MapLifetimeTests {
    /// Makes a map whose input, function and results are tracked, uses it, and expects them to be gone.
    private func abandon(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ transform: @escaping (Int, Ledger) throws -> Void = { _, _ in },
        use: (GreenMap<Tracked>) throws -> Void
    ) throws {
        for inOrder in [true, false] {
            let ledger = Ledger()
            try onHub(sourceLocation: sourceLocation) {
                let pool = GreenPool(size: 4)
                do {
                    let input = (0..<20).map { ($0, ledger.make()) }
                    let function = ledger.make()
                    let work = { (element: (Int, Tracked)) in
                        function.touch()
                        try transform(element.0, ledger)
                        return ledger.make()
                    }
                    try use(inOrder ? pool.map(input, work) : pool.mapUnordered(input, work))
                }
                try settle()
                #expect(pool.running == 0, sourceLocation: sourceLocation)
                #expect(ledger.made >= 21, sourceLocation: sourceLocation)
                #expect(ledger.gone == ledger.made, sourceLocation: sourceLocation)
            }
        }
    }

    @Test
    func `before the first result is asked for`() throws {
        try abandon { _ in }
    }

    @Test
    func `when its threads have not begun`() throws {
        var began = 0
        try abandon({ _, _ in began += 1 }) { results in
            #expect(failure { try results.next(timeout: .zero) }?.code == .timedOut)
            #expect(began == 0)
        }
        #expect(began == 0)
    }

    @Test
    func `when its threads are parked`() throws {
        var interrupted = 0
        try abandon({ number, ledger in
            let held = ledger.make()
            defer { held.touch() }
            guard number > 0 else { return }
            do {
                try GreenThread.sleep(for: .seconds(1000))
            } catch is GreenExit {
                interrupted += 1
                throw GreenExit()
            }
        }) { results in
            try results.next()?.touch()
            #expect(failure { try results.next(timeout: .zero) }?.code == .timedOut)
            try settle()
        }
        #expect(interrupted == 8, "four in each order")
    }

    @Test
    func `when there are results, and errors, that nobody has taken`() throws {
        try abandon({ number, _ in
            if number % 2 == 1 { throw Mistake(number: number) }
        }) { results in
            try results.next()?.touch()
            try settle()
        }
    }

    @Test
    func `when all was taken`() throws {
        try abandon { results in
            while let tracked = try results.next() {
                tracked.touch()
            }
        }
    }

    @Test
    func `when an element waits for room`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let pool = GreenPool(size: 0)
            do {
                let results = pool.map([ledger.make()]) { $0 }
                #expect(failure { try results.next(timeout: .zero) }?.code == .timedOut)
                #expect(ledger.gone == 0)
            }
            #expect(ledger.gone == 1)
        }
    }

    @Test
    func `when a loop ends early`() throws {
        try abandon { results in
            for result in results {
                try result.get().touch()
                break
            }
        }
    }

    @Test
    func `when who asks is killed`() throws {
        try abandon({ _, _ in try GreenThread.sleep(for: .seconds(1000)) }) { results in
            var results: GreenMap<Tracked>? = results
            let asker = spawn { [results] in _ = try results?.next() }
            results = nil
            try settle()
            try asker.kill(andWait: true)
        }
    }

    @Test
    func `when one of its own threads drops it`() throws {
        final class Holder {
            var results: GreenMap<Tracked>?
        }
        let ledger = Ledger()
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let holder = Holder()
            var ended = false
            holder.results = pool.map(0..<3) { number in
                let tracked = ledger.make()
                guard number == 0 else {
                    try GreenThread.sleep(for: .seconds(1000))
                    return tracked
                }
                try GreenThread.yield()
                holder.results = nil
                try GreenThread.yield()
                ended = true
                return tracked
            }
            #expect(failure { try holder.results?.next(timeout: .zero) }?.code == .timedOut)
            try settle()
            #expect(ended, "that thread itself goes on")
            #expect(pool.running == 0)
            #expect(ledger.made == 3)
            #expect(ledger.gone == 3)
        }
    }

    @Test
    func `without a word`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                for inOrder in [true, false] {
                    let pool = GreenPool(size: 4)
                    let work = { (number: Int) in
                        if number == 0 { return number }
                        if number == 2 { try? GreenThread.sleep(for: .seconds(1000)) }
                        throw Mistake(number: number)
                    }
                    do {
                        let results = inOrder ? pool.map(0..<9, work) : pool.mapUnordered(0..<9, work)
                        let first = try results.next()
                        precondition(first == 0)
                        try settle()
                    }
                    try pool.waitAll()
                    let giant = GreenPool(size: 2, stackSize: 1 << 60)
                    let results = inOrder ? giant.map(0..<9, work) : giant.mapUnordered(0..<9, work)
                    _ = try? results.next()
                }
            }
        }
        #expect(reports(of: child) == [])
    }
}
