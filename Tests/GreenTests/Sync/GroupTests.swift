import Green
import Testing

/// A thread that returns or throws on request.
private struct Puppet {
    let thread: GreenThread<Int>
    private let outcome = Event<Int>()

    init() {
        let outcome = outcome
        thread = spawn { try outcome.wait() }
    }

    func end(_ value: Int) throws {
        try outcome.send(value)
    }

    func fail(_ error: any Error) throws {
        try outcome.send(throwing: error)
    }
}

@Suite("A group of green threads")
struct GroupTests {
    @Test
    func `returns them in the order they finish`() throws {
        try onHub { () throws in
            let puppets = (0..<4).map { _ in Puppet() }
            let group = GreenGroup(puppets.map(\.thread))
            #expect(group.count == 4)
            #expect(group.finishedCount == 0)
            for number in [2, 0, 3, 1] {
                try puppets[number].end(number)
                #expect(try group.next() == puppets[number].thread)
            }
            #expect(group.count == 0)
            #expect(try group.next() == nil)
        }
    }

    @Test
    func `keeps finished threads in that order`() throws {
        try onHub { () throws in
            let puppets = (0..<3).map { _ in Puppet() }
            let group = GreenGroup(puppets.map(\.thread))
            for number in [1, 2] {
                try puppets[number].end(number)
            }
            try settle()
            #expect(group.count == 3)
            #expect(group.finishedCount == 2)
            #expect(try group.next(timeout: .zero)?.wait() == 1)
            let added = spawn { 4 }
            try added.wait()
            group.add(added)
            #expect(try group.next(timeout: .zero)?.wait() == 2)
            #expect(try group.next(timeout: .zero)?.wait() == 4, "a finished thread counts from the time it was added")
            #expect(failure { try group.next(timeout: .zero) }?.code == .timedOut)
            try puppets[0].end(0)
            #expect(try group.next()?.wait() == 0)
        }
    }

    @Test
    func `is empty at first, and when all threads were taken`() throws {
        try onHub { () throws in
            let group = GreenGroup<Int>()
            #expect(try group.next() == nil)
            #expect(Array(group).isEmpty)
            group.add(spawn { 1 })
            #expect(try group.next()?.wait() == 1)
            #expect(try group.next(timeout: .zero) == nil)
        }
    }

    @Test
    func `returns failed and killed threads, too`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let killed = Puppet()
            let group = GreenGroup([puppet.thread, killed.thread])
            try settle()
            try killed.thread.kill()
            let first = try #require(try group.next())
            #expect(first == killed.thread)
            #expect(throws: GreenExit.self) { try first.wait() }
            try puppet.fail(Mistake(number: 1))
            let second = try #require(try group.next())
            #expect(throws: Mistake(number: 1)) { try second.wait() }
        }
    }

    @Test
    func `returns each thread once`() throws {
        try onHub { () throws in
            let thread = spawn { 1 }
            let group = GreenGroup([thread, thread])
            group.add(thread)
            #expect(group.count == 1)
            #expect(try group.next() == thread)
            #expect(try group.next() == nil)
            group.add(thread)
            #expect(try group.next() == thread, "a thread that was taken may be added again")
        }
    }

    @Test
    func `returns each thread once, also if the thread is in other groups`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let groups = (0..<3).map { _ in GreenGroup<Int>() }
            for group in groups + groups.reversed() {
                group.add(puppet.thread)
                #expect(group.count == 1)
            }
            try puppet.end(1)
            try settle()
            for group in groups + groups.reversed() {
                group.add(puppet.thread)
                #expect(group.count == 1)
            }
            for group in groups {
                #expect(try group.next() == puppet.thread)
                for other in groups.reversed() {
                    other.add(puppet.thread)
                    #expect(other.count == 1)
                }
                #expect(try group.next() == puppet.thread)
                #expect(try group.next() == nil)
            }
        }
    }

    @Test
    func `accepts a thread that was in a released group`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            do {
                let group = GreenGroup([puppet.thread])
                #expect(group.count == 1)
            }
            for _ in 0..<3 {
                let group = GreenGroup([puppet.thread, puppet.thread])
                #expect(group.count == 1)
            }
            let group = GreenGroup([puppet.thread])
            try puppet.end(1)
            #expect(try group.next() == puppet.thread)
            #expect(try group.next() == nil)
        }
    }

    @Test
    func `spawns threads`() throws {
        try onHub { () throws in
            let group = GreenGroup<Int>()
            for size in [1, 3, 100] {
                let threads = (0..<size).map { number in
                    group.spawn(name: "number \(number)") {
                        if number == 2 { throw Mistake(number: 2) }
                        return number
                    }
                }
                #expect(group.count == size)
                group.add(threads[0])
                #expect(group.count == size)
                for number in 0..<size {
                    let thread = try #require(try group.next())
                    #expect(thread == threads[number])
                    #expect(thread.name == "number \(number)")
                    if number == 2 {
                        #expect(throws: Mistake(number: 2)) { try thread.wait() }
                    } else {
                        #expect(try thread.wait() == number)
                    }
                }
                #expect(try group.next() == nil)
            }
        }
    }

    @Test
    func `returns a thread that it could not start`() throws {
        try onHub { () throws in
            let group = GreenGroup<Int>()
            let thread = group.spawn(stackSize: 1 << 60) { 1 }
            #expect(group.count == 1)
            #expect(try group.next() == thread)
            #expect(failure { try thread.wait() }?.code == .noMemory)
            #expect(try group.next() == nil)
        }
    }

    @Test
    func `frees what a thread captured and returned, and a thread that was killed before it began`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let group = GreenGroup<Tracked>()
            for _ in 0..<20 {
                let input = ledger.make()
                group.spawn {
                    input.touch()
                    return ledger.make()
                }
            }
            let input = ledger.make()
            try group.spawn {
                input.touch()
                return ledger.make()
            }
            .kill()
            for _ in 0..<10 {
                #expect(try group.next() != nil)
            }
        }
        #expect(ledger.made == 41)
        #expect(ledger.gone == ledger.made)
    }

    @Test
    func `treats a thread that could not be started as finished`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let unspawned = spawn(stackSize: 1 << 60) { 1 }
            let group = GreenGroup([puppet.thread, unspawned])
            #expect(group.count == 2)
            #expect(group.finishedCount == 1)
            #expect(try group.next() == unspawned)
            #expect(failure { try unspawned.wait() }?.code == .noMemory)
            try puppet.end(2)
            #expect(try group.next()?.wait() == 2)
            #expect(try group.next() == nil)
        }
    }

    @Test
    func `loses no thread by a timeout or a kill of the waiter`() throws {
        try onHub { () throws in
            let puppets = (0..<2).map { _ in Puppet() }
            let group = GreenGroup(puppets.map(\.thread))
            #expect(failure { try group.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            let killed = spawn { try group.next() }
            try settle()
            try killed.kill(throwing: Mistake(number: 1))
            try puppets[0].end(10)
            #expect(throws: Mistake(number: 1)) { try killed.wait() }
            let late = spawn { try group.next()?.wait() }
            #expect(try late.wait() == 10)
            try puppets[1].end(11)
            #expect(try group.next()?.wait() == 11)
        }
    }

    @Test
    func `gives each waiter one thread in order, and nil to the others`() throws {
        try onHub { () throws in
            let puppets = (0..<2).map { _ in Puppet() }
            let group = GreenGroup(puppets.map(\.thread))
            let waiters = (0..<3).map { _ in spawn { try group.next()?.wait() } }
            try settle()
            for (number, puppet) in puppets.enumerated() {
                try puppet.end(number)
            }
            #expect(try waiters.map { try $0.wait() } == [0, 1, nil])
        }
    }

    @Test
    func `may grow while a thread waits`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let group = GreenGroup([puppet.thread])
            let waiter = spawn { try group.map { try $0.get().wait() } }
            try settle()
            group.add(spawn { 1 })
            try settle()
            group.add(spawn { 2 })
            try settle()
            try puppet.end(3)
            #expect(try waiter.wait() == [1, 2, 3])
        }
    }

    @Test
    func `is a sequence that ends with an error of the wait`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let group = GreenGroup([spawn { 1 }, spawn { 2 }])
            var values: [Int] = []
            for thread in group {
                values.append(try thread.get().wait())
            }
            #expect(values == [1, 2])

            group.add(puppet.thread)
            let reader = spawn { Array(group) }
            try settle()
            try reader.kill(throwing: Mistake(number: 1))
            let results = try reader.wait()
            #expect(results.count == 1)
            #expect(throws: Mistake(number: 1)) { try results[0].get() }
            #expect(group.count == 1)
            try puppet.end(3)
            #expect(try group.next()?.wait() == 3)
        }
    }

    @Test
    func `releases its threads when it is dropped, and they continue to run`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            var ended = 0
            var group: GreenGroup<Tracked>? = GreenGroup(
                (0..<3).map { number in
                    spawn {
                        for _ in 0..<number * 20 {
                            try GreenThread.yield()
                        }
                        ended += 1
                        return ledger.make()
                    }
                }
            )
            try settle()
            #expect(group?.finishedCount == 1)
            #expect(try group?.next()?.wait() != nil)
            #expect(ledger.gone == 1)
            for _ in 0..<20 {
                try GreenThread.yield()
            }
            #expect(group?.finishedCount == 1)
            #expect(ledger.gone == 1, "the group retains the result until the thread is taken")
            group = nil
            #expect(ledger.gone == 2)
            for _ in 0..<30 {
                try GreenThread.yield()
            }
            #expect(ended == 3)
            #expect(ledger.gone == 3)
        }
    }

    @Test
    func `reports the errors of threads that were not taken`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                var group: GreenGroup<Void>? = GreenGroup([spawn(name: "lost") { throw Mistake(number: 1) }])
                try settle()
                group = nil
                precondition(group == nil)
            }
        }
        #expect(reports(of: child).count == 1)
        #expect(reports(of: child).first?.contains("'lost'") == true)
    }

    @Test
    func `waits for a thread by a handle from GreenThread.current`() throws {
        try onHub { () throws in
            var inner: GreenThread<Void>?
            detach {
                inner = GreenThread.current
                try GreenThread.yield()
            }
            try GreenThread.yield()
            let group = GreenGroup([try #require(inner)])
            inner = nil
            let thread = try #require(try group.next())
            try thread.wait()
        }
    }

    @Test
    func `that contains only the caller is a deadlock`() throws {
        try onHub { () throws in
            let group = GreenGroup([GreenThread.current])
            #expect(throws: DeadlockError.self) { try group.next() }
            #expect(group.count == 1)
        }
    }

    @Test
    func `ends the process if a thread of another OS thread is added`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let thread = spawn {}
                onAnotherThread { GreenGroup<Void>().add(thread) }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("lives on another OS thread"), "\(text)")
    }
}

@Suite("Waiting for any of several green threads")
struct WaitAnyTests {
    @Test
    func `returns the first to finish, and does not affect the others`() throws {
        try onHub { () throws in
            let puppets = (0..<3).map { _ in Puppet() }
            let threads = puppets.map(\.thread)
            let waiter = spawn { try GreenThread.wait(any: threads) }
            try settle()
            #expect(!waiter.isFinished)
            try puppets[2].end(2)
            try puppets[0].end(0)
            #expect(try waiter.wait() == threads[2])
            #expect(try GreenThread.wait(any: threads) == threads[0], "of several, the first in the array")
            #expect(try GreenThread.wait(any: threads, timeout: .zero).wait() == 0)
            try puppets[1].end(1)
            try threads[1].wait()
        }
    }

    @Test
    func `does not throw the error of a thread`() throws {
        try onHub { () throws in
            let (failing, other) = (Puppet(), Puppet())
            try failing.fail(Mistake(number: 1))
            let first = try GreenThread.wait(any: [other.thread, failing.thread])
            #expect(first == failing.thread)
            #expect(throws: Mistake(number: 1)) { try first.wait() }
            try other.end(1)
            try other.thread.wait()
        }
    }

    @Test
    func `gives up after the timeout`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            for timeout in [Duration.zero, .milliseconds(1)] {
                #expect(failure { try GreenThread.wait(any: [puppet.thread], timeout: timeout) }?.code == .timedOut)
            }
            let killed = spawn { try GreenThread.wait(any: [puppet.thread]) }
            try settle()
            try killed.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try killed.wait() }
            try puppet.end(1)
            #expect(try GreenThread.wait(any: [puppet.thread], timeout: .seconds(1000)).wait() == 1)
        }
    }

    @Test
    func `refuses a wait that can never end`() throws {
        try onHub { () throws in
            #expect(failure { try GreenThread.wait(any: [GreenThread<Int>]()) }?.code == .invalidArgument)
            #expect(throws: DeadlockError.self) { try GreenThread.wait(any: [GreenThread.current]) }
            let unspawned = spawn(stackSize: 1 << 60) { 1 }
            let sleeper = Puppet()
            #expect(try GreenThread.wait(any: [sleeper.thread, unspawned]) == unspawned)
            #expect(failure { try unspawned.wait() }?.code == .noMemory)
            try sleeper.end(0)
            try sleeper.thread.wait()
        }
    }
}

@Suite("Waiting for all of several green threads")
struct WaitAllTests {
    @Test
    func `returns their results in order`() throws {
        try onHub { () throws in
            let puppets = (0..<20).map { _ in Puppet() }
            let waiter = spawn { try GreenThread.wait(all: puppets.map(\.thread)) }
            try settle()
            for (number, puppet) in puppets.enumerated().reversed() {
                #expect(!waiter.isFinished)
                try puppet.end(number)
                try settle()
            }
            #expect(try waiter.wait() == Array(0..<20))
            #expect(try GreenThread.wait(all: puppets.map(\.thread), timeout: .zero) == Array(0..<20))
            #expect(try GreenThread.wait(all: [GreenThread<Int>]()) == [])
            let twice = spawn { "twice" }
            #expect(try GreenThread.wait(all: [twice, twice]) == ["twice", "twice"])
            try GreenThread.wait(all: [spawn {}, spawn {}])
        }
    }

    @Test
    func `throws the first error at once, and the others continue to run`() throws {
        try onHub { () throws in
            let puppets = (0..<3).map { _ in Puppet() }
            let threads = puppets.map(\.thread)
            let waiter = spawn { try GreenThread.wait(all: threads) }
            try settle()
            try puppets[0].end(0)
            try puppets[2].fail(Mistake(number: 2))
            #expect(throws: Mistake(number: 2)) { try waiter.wait() }
            #expect(!threads[1].isFinished)
            try puppets[1].fail(Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try threads[1].wait() }
            #expect(throws: Mistake(number: 2)) { try GreenThread.wait(all: threads.reversed()) }
        }
    }

    @Test
    func `gives up after one timeout for all`() throws {
        try onHub { () throws in
            let puppets = (0..<2).map { _ in Puppet() }
            let threads = puppets.map(\.thread)
            try puppets[0].end(0)
            for timeout in [Duration.zero, .milliseconds(1)] {
                #expect(failure { try GreenThread.wait(all: threads, timeout: timeout) }?.code == .timedOut)
            }
            try puppets[1].end(1)
            #expect(try GreenThread.wait(all: threads, timeout: .seconds(1000)) == [0, 1])
        }
    }

    @Test
    func `is interrupted by a kill of the waiter, which does not affect them`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let waiter = spawn { try GreenThread.wait(all: [puppet.thread]) }
            try settle()
            try waiter.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try waiter.wait() }
            try puppet.end(1)
            #expect(try puppet.thread.wait() == 1)
        }
    }

    @Test
    func `fails for a thread that could not be started, and for the caller itself`() throws {
        try onHub { () throws in
            let puppet = Puppet()
            let unspawned = spawn(stackSize: 1 << 60) { 1 }
            #expect(failure { try GreenThread.wait(all: [puppet.thread, unspawned]) }?.code == .noMemory)
            try puppet.end(1)
            try puppet.thread.wait()
            #expect(throws: DeadlockError.self) { try GreenThread.wait(all: [spawn {}, GreenThread.current]) }
        }
    }
}
