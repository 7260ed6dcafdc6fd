import Green
import Testing

@Suite("A map over a pool")
struct GreenMapTests {
    @Test
    func `returns results in the order of the input, in whatever order they complete`() throws {
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
            #expect(try results.next() == nil, "the end is permanent")
            #expect(pool.runningCount == 0)
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
    func `starts at the first request, and reads ahead by at most the size of the pool`(inOrder: Bool) throws {
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
                #expect(progress.started - taken < 3, "at most size elements are started and not taken")
                #expect(progress.pulled == progress.started)
            }
            #expect(progress.started == 22)
        }
    }

    @Test
    func `runs as many elements at a time as the pool has room for`() throws {
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
    func `continues after an error, which is the result of its element`() throws {
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
    func `throws an error of its input after the results before it, and ends there`() throws {
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
                #expect(next == 4, "the input is not read again")
            }
        }
    }

    @Test
    func `takes its elements from a closure`() throws {
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
    func `is a sequence that continues after errors`() throws {
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
    func `shares its results among copies and iterators`() throws {
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
    func `serves several threads in the order in which they came`() throws {
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
    func `releases its input at the end`() throws {
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
