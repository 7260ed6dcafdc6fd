import Green
import Testing

@Suite("A map that is released frees everything it owns")
struct MapLifetimeTests {
    /// Creates a map with a tracked input, function and results, uses it, and expects all of them to be destroyed.
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
                #expect(pool.runningCount == 0, sourceLocation: sourceLocation)
                #expect(ledger.made >= 21, sourceLocation: sourceLocation)
                #expect(ledger.gone == ledger.made, sourceLocation: sourceLocation)
            }
        }
    }

    @Test
    func `before the first result is requested`() throws {
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
    func `when results and errors were not taken`() throws {
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
    func `when the requesting thread is killed`() throws {
        try abandon({ _, _ in try GreenThread.sleep(for: .seconds(1000)) }) { results in
            var results: GreenMap<Tracked>? = results
            let asker = spawn { [results] in _ = try results?.next() }
            results = nil
            try settle()
            try asker.kill(waitingForEnd: true)
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
            #expect(ended, "that thread continues")
            #expect(pool.runningCount == 0)
            #expect(ledger.made == 3)
            #expect(ledger.gone == 3)
        }
    }

    @Test
    func `without reporting errors`() async throws {
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
