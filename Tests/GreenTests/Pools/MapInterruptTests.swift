import Green
import Testing

@Suite("An interrupt of a thread that requests a result of a map")
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
    func `is thrown, while an equal error of an element is returned`() throws {
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
    func `is the last element of a loop, and another loop continues`() throws {
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
    func `during a wait for room keeps the element`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let pool = GreenPool(size: 1)
            try pool.detach { try gate.wait() }
            let progress = Progress()
            let results = pool.map(progress.elements().prefix(2)) { $0 }
            let asker = spawn { try results.next() }
            try settle()
            #expect(pool.waitingCount == 1)
            #expect(progress.pulled == 1)
            try asker.kill()
            #expect(throws: GreenExit.self) { try asker.wait() }
            #expect(failure { try results.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(progress.pulled == 1, "no other element is read")
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
            #expect(jobs.gettingCount == 1)
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
    func `is not needed to end a map that waits for itself: it is a deadlock`() throws {
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
