import Green
import Testing

private func nap() throws {
    try GreenThread.sleep(for: .seconds(3600))
}

/// Ends a few yields after it was interrupted.
private func refuse() throws -> Int {
    try? nap()
    for _ in 0..<10 {
        try? GreenThread.yield()
    }
    return 7
}

private func haveEnded(_ threads: [GreenThread<Int>]) -> Bool {
    threads.allSatisfy(\.isFinished)
}

@Suite("A kill of all threads")
struct KillAllTests {
    @Test
    func `ends those of a pool, and drops those that have not begun`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let outside = spawn(nap)
            var began = false
            let threads = [
                try pool.spawn(refuse),
                try pool.spawn {
                    try nap(); return 0
                },
            ]
            try settle()
            try pool.detach { began = true }
            try pool.killAll()
            #expect(pool.runningCount == 0)
            #expect(!began)
            #expect(haveEnded(threads))
            #expect(try threads[0].wait() == 7)
            #expect(throws: GreenExit.self) { try threads[1].wait() }
            #expect(!outside.isFinished)
            try outside.kill()
            #expect(throws: GreenExit.self) { try outside.wait() }
        }
    }

    @Test
    func `does not wait if it is asked not to`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let thread = try pool.spawn(refuse)
            try settle()
            try pool.killAll(waitingForEnd: false)
            #expect(!thread.isFinished)
            #expect(try thread.wait() == 7)
        }
    }

    @Test
    func `spares the caller`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 3)
            let other = try pool.spawn(nap)
            let killer = try pool.spawn { try pool.killAll() }
            try killer.wait()
            #expect(other.isFinished)
        }
    }

    @Test
    func `leaves the results of a pile in their places`() throws {
        try onHub { () throws in
            let pile = GreenPile<Int>(size: 3)
            try pile.spawn { 1 }
            try pile.spawn {
                try nap(); return 2
            }
            try pile.spawn(refuse)
            try settle()
            try pile.killAll()
            #expect(try pile.next() == 1)
            #expect(throws: GreenExit.self) { try pile.next() }
            #expect(try pile.next(timeout: .zero) == 7)
            #expect(try pile.next() == nil)
        }
    }

    @Test(arguments: [false, true])
    func `ends a map and its input`(inOrder: Bool) throws {
        try onHub { () throws in
            let pool = GreenPool(size: 2)
            var began = 0
            let transform = { (number: Int) throws -> Int in
                began += 1
                if number > 0 { try nap() }
                return number
            }
            let map = inOrder ? pool.map(0..<10, transform) : pool.mapUnordered(0..<10, transform)
            #expect(try map.next() == 0)
            try settle()
            let before = began
            try map.killAll()
            #expect(pool.runningCount == 0)
            while let result = try map.nextResult() {
                #expect(throws: GreenExit.self) { try result.get() }
            }
            #expect(began == before)
        }
    }

    @Test
    func `can be caught by the threads of a group, which goes on`() throws {
        try onHub { () throws in
            let results = try withGreenGroup(of: Int.self) { group in
                group.spawn(refuse)
                try settle()
                try group.killAll()
                #expect(group.finishedCount == 1)
                group.spawn { 8 }
                return try group.results()
            }
            #expect(results == [7, 8])
        }
    }

    @Test
    func `is complete although a timeout ends the wait`() throws {
        try onHub { () throws in
            let group = GreenGroup<Int>()
            group.spawn(refuse)
            try settle()
            #expect(throws: Timeout.self) { try withTimeout(.zero) { try group.killAll() } }
            #expect(try group.results() == [7])
        }
    }
}

@Suite("A wait that ends the losers")
struct LoserTests {
    @Test
    func `returns the first thread after the others have ended`() throws {
        try onHub { () throws in
            let threads = [spawn(refuse), spawn { 1 }, spawn(after: .seconds(3600)) { 2 }]
            try settle()
            let first = try GreenThread.wait(any: threads, killingOthers: true)
            #expect(first == threads[1])
            #expect(haveEnded(threads))
            #expect(try threads[0].wait() == 7)
            #expect(throws: GreenExit.self) { try threads[2].wait() }
        }
    }

    @Test
    func `ends all threads when it times out or is killed`() throws {
        try onHub { () throws in
            let threads = [spawn(refuse), spawn(refuse)]
            try settle()
            #expect(
                failure { try GreenThread.wait(any: threads, timeout: .zero, killingOthers: true) }?.code == .timedOut
            )
            #expect(haveEnded(threads))
            let others = [spawn(refuse), spawn(refuse)]
            let waiter = spawn { try GreenThread.wait(all: others, killingOthers: true) }
            try settle()
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            #expect(haveEnded(others))
        }
    }

    @Test
    func `throws the first error after the others have ended, or returns all results`() throws {
        try onHub { () throws in
            let threads = [spawn(refuse), spawn { throw Mistake(number: 1) }]
            try settle()
            #expect(throws: Mistake(number: 1)) { try GreenThread.wait(all: threads, killingOthers: true) }
            #expect(haveEnded(threads))
            #expect(try GreenThread.wait(all: [spawn { 1 }, spawn { 2 }], killingOthers: true) == [1, 2])
            let napping = spawn(nap)
            #expect(throws: (any Error).self) { try GreenThread.wait(any: [], killingOthers: true) as GreenThread<Int> }
            try napping.kill(waitingForEnd: true)
        }
    }

    @Test
    func `leaves the others alone if it is asked to`() throws {
        try onHub { () throws in
            let threads = [spawn(refuse), spawn { 1 }]
            #expect(try GreenThread.wait(any: threads, killingOthers: false) == threads[1])
            #expect(!threads[0].isFinished)
            try threads[0].kill()
            #expect(try GreenThread.wait(all: threads, killingOthers: false) == [7, 1])
        }
    }
}

@Suite("A thread that is dropped with its spawner")
struct DroppedTests {
    @Test
    func `never begins if its spawner ends before`() throws {
        try onHub { () throws in
            var began = false
            let thread = try spawn {
                spawn(after: .seconds(3600), droppedWithSpawner: true) { began = true }
            }.wait()
            #expect(throws: GreenExit.self) { try thread.wait() }
            #expect(!began)
        }
    }

    @Test
    func `runs to its end once it has begun`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            let thread = try spawn {
                let thread = spawn(after: .zero, droppedWithSpawner: true) { try event.wait() }
                try settle()
                return thread
            }.wait()
            try event.send(1)
            #expect(try thread.wait() == 1)
            #expect(try spawn(after: .zero, droppedWithSpawner: false) { 2 }.wait() == 2)
        }
    }
}
