import Green
import Testing

/// Sleeps until it is interrupted.
private func nap() throws {
    try GreenThread.sleep(for: .seconds(3600))
}

/// How many of its threads have ended, counted by themselves.
private final class Ends {
    var count = 0

    func counting<Result>(_ function: @escaping () throws -> Result) -> () throws -> Result {
        { () throws -> Result in
            defer { self.count += 1 }
            return try function()
        }
    }
}

@Suite("A scope of green threads")
struct ScopeTests {
    @Test
    func `returns the results in the order in which the threads were spawned`() throws {
        try onHub { () throws in
            let results = try withGreenGroup(of: Int.self) { group in
                let events = (0..<5).map { _ in Event<Int>() }
                for event in events {
                    group.spawn { try event.wait() }
                }
                try settle()
                for number in [3, 0, 4, 2, 1] {
                    try events[number].send(number)
                    try settle()
                }
                return try group.results()
            }
            #expect(results == [0, 1, 2, 3, 4])
        }
    }

    @Test
    func `hands results out in the order in which the threads end`() throws {
        try onHub { () throws in
            let results = try withGreenGroup { group in
                for delay in [30, 10, 20] {
                    group.spawn(after: .milliseconds(delay)) { delay }
                }
                var results: [Int] = []
                while let result = try group.nextResult() {
                    results.append(try result.get())
                }
                #expect(group.isEmpty)
                return results
            }
            #expect(results.sorted() == [10, 20, 30])
        }
    }

    @Test
    func `waits for its threads, and for those that they spawn`() throws {
        try onHub { () throws in
            let ends = Ends()
            let result = try withGreenGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.spawn {
                        try GreenThread.yield()
                        group.spawn(ends.counting { try GreenThread.yield() })
                    }
                }
                return "body"
            }
            #expect(result == "body")
            #expect(ends.count == 3)
        }
    }

    @Test
    func `waits for ten thousand threads`() throws {
        try onHub { () throws in
            let results = try withGreenGroup(of: Int.self) { group in
                for number in 0..<10000 {
                    group.spawn { number }
                }
                return try group.results()
            }
            #expect(results == Array(0..<10000))
        }
    }

    @Test
    func `ends the rest when a thread fails, and throws its error`() throws {
        try onHub { () throws in
            let ends = Ends()
            var thrownInBody: [any Error] = []
            var began = false
            #expect(throws: Mistake(number: 1)) {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn(ends.counting(nap))
                    group.spawn(after: .seconds(3600)) { began = true }
                    group.spawn {
                        try GreenThread.yield()
                        throw Mistake(number: 1)
                    }
                    do { try nap() } catch { thrownInBody.append(error) }
                    do { try nap() } catch { thrownInBody.append(error) }
                }
            }
            #expect(thrownInBody.count == 2)
            #expect(thrownInBody.allSatisfy { $0 is GreenExit })
            #expect(ends.count == 1)
            #expect(!began)
        }
    }

    @Test
    func `ends the rest when a thread fails while it waits for them`() throws {
        try onHub { () throws in
            let ends = Ends()
            #expect(throws: Mistake(number: 1)) {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn(ends.counting(nap))
                    group.spawn { throw Mistake(number: 1) }
                }
            }
            #expect(ends.count == 1)
        }
    }

    @Test
    func `throws the error of a thread from results, too`() throws {
        try onHub { () throws in
            #expect(throws: Mistake(number: 2)) {
                try withGreenGroup(of: Int.self) { group in
                    group.spawn { 1 }
                    group.spawn { throw Mistake(number: 2) }
                    return try group.results()
                }
            }
        }
    }

    @Test
    func `ends the rest when the body fails, and throws its error`() throws {
        try onHub { () throws in
            let ends = Ends()
            #expect(throws: Mistake(number: 3)) {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn(ends.counting(nap))
                    try GreenThread.yield()
                    throw Mistake(number: 3)
                }
            }
            #expect(ends.count == 1)
        }
    }

    @Test
    func `throws the error that the body throws for that of a thread`() throws {
        try onHub { () throws in
            #expect(throws: Mistake(number: 20)) {
                try withGreenGroup(of: Int.self) { group in
                    group.spawn { throw Mistake(number: 2) }
                    do {
                        _ = try group.results()
                    } catch let error as Mistake {
                        throw Mistake(number: 10 * error.number)
                    }
                }
            }
        }
    }

    @Test
    func `ends its threads when its caller is killed, in the body and in the wait`() throws {
        try onHub { () throws in
            for waits in [false, true] {
                let ends = Ends()
                let owner = spawn {
                    try withGreenGroup(of: Void.self) { group in
                        group.spawn(ends.counting(nap))
                        if waits { try nap() }
                    }
                }
                try settle()
                try owner.kill(throwing: Mistake(number: 4))
                #expect(throws: Mistake(number: 4)) { try owner.wait() }
                #expect(ends.count == 1)
            }
        }
    }

    @Test
    func `continues after a kill that its body catches`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            let owner = spawn {
                try withGreenGroup(of: Int.self) { group in
                    group.spawn { try event.wait() }
                    try? nap()
                    return try group.results()
                }
            }
            try settle()
            try owner.kill()
            try settle()
            try event.send(5)
            #expect(try owner.wait() == [5])
        }
    }

    @Test
    func `ends its threads at a time limit`() throws {
        try onHub { () throws in
            let ends = Ends()
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) {
                    try withGreenGroup(of: Void.self) { group in
                        group.spawn(ends.counting(nap))
                    }
                }
            }
            #expect(ends.count == 1)
        }
    }

    @Test
    func `collects errors if it is asked to`() throws {
        try onHub { () throws in
            let outcomes = try withGreenGroup(of: Int.self, collectingErrors: true) { group in
                group.spawn { 1 }
                group.spawn { throw Mistake(number: 2) }
                group.spawn { 3 }
                var outcomes: [Int?] = []
                while let result = try group.nextResult() {
                    outcomes.append(try? result.get())
                }
                return outcomes
            }
            #expect(outcomes == [1, nil, 3])
        }
    }

    @Test
    func `keeps the other results when one of the results is an error`() throws {
        try onHub { () throws in
            let results = try withGreenGroup(of: Int.self, collectingErrors: true) { group in
                group.spawn { 1 }
                group.spawn { throw Mistake(number: 2) }
                group.spawn { 3 }
                #expect(throws: Mistake(number: 2)) { try group.results() }
                return try group.results()
            }
            #expect(results == [1, 3])
        }
    }

    @Test
    func `continues when one of its threads is killed`() throws {
        try onHub { () throws in
            let results = try withGreenGroup(of: Int.self) { group in
                try group.spawn {
                    try nap(); return 0
                }.kill(waitingForEnd: true)
                group.spawn { 1 }
                #expect(throws: GreenExit.self) { try group.next()?.wait() }
                return try group.results()
            }
            #expect(results == [1])
        }
    }

    @Test
    func `ends when one of its threads kills its caller`() throws {
        try onHub { () throws in
            let owner = spawn { () throws in
                let owner = GreenThread.current
                try withGreenGroup(of: Void.self) { group in
                    group.spawn {
                        try owner.kill()
                        try nap()
                    }
                }
            }
            #expect(throws: GreenExit.self) { try owner.wait() }
        }
    }

    @Test
    func `waits for threads that swallow every error`() throws {
        try onHub { () throws in
            var swallowed = 0
            #expect(throws: Mistake(number: 1)) {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn {
                        while swallowed < 100 {
                            do { try nap() } catch { swallowed += 1 }
                        }
                    }
                    try GreenThread.yield()
                    throw Mistake(number: 1)
                }
            }
            #expect(swallowed == 100)
        }
    }

    @Test
    func `never begins a thread that is spawned into it while it ends`() throws {
        try onHub { () throws in
            var began = false
            #expect(throws: Mistake(number: 1)) {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn {
                        try? nap()
                        group.spawn { began = true }
                    }
                    try GreenThread.yield()
                    throw Mistake(number: 1)
                }
            }
            #expect(!began)
        }
    }

    @Test(arguments: 0..<10)
    func `ends from any level of ten`(failing: Int) throws {
        try onHub { () throws in
            let ends = Ends()
            func nest(_ level: Int) throws {
                guard level < 10 else { return try nap() }
                try withGreenGroup(of: Void.self) { group in
                    group.spawn(ends.counting { try nest(level + 1) })
                    group.spawn(ends.counting(nap))
                    if level == failing {
                        try settle()
                        throw Mistake(number: level)
                    }
                }
            }
            #expect(throws: Mistake(number: failing)) { try nest(0) }
            #expect(ends.count.isMultiple(of: 2))
            #expect(ends.count >= 2 * (failing + 1))
        }
    }

    @Test
    func `fails if there is no memory for a thread`() throws {
        try onHub { () throws in
            let ends = Ends()
            let error = failure {
                try withGreenGroup(of: Void.self) { group in
                    group.spawn(ends.counting(nap))
                    try GreenThread.yield()
                    group.spawn(stackSize: 1 << 60) {}
                    try nap()
                }
            }
            #expect(error?.code == .noMemory)
            #expect(ends.count == 1)
        }
    }

    @Test
    func `adds threads, which it ends`() throws {
        try onHub { () throws in
            let ends = Ends()
            #expect(throws: Mistake(number: 1)) {
                try withGreenGroup(of: Void.self) { group in
                    group.add(spawn(ends.counting(nap)))
                    group.add(spawn { throw Mistake(number: 1) })
                }
            }
            #expect(ends.count == 1)
        }
    }

    @Test
    func `is empty after its end`() throws {
        try onHub { () throws in
            let group = try withGreenGroup(of: Int.self) { group in
                group.spawn { 1 }
                return group
            }
            #expect(group.isEmpty)
            #expect(group.finishedCount == 0)
            #expect(try group.next() == nil)
            try group.killAll()
        }
    }

    @Test
    func `ends the process if it is used after its end`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let group = try withGreenGroup(of: Int.self) { $0 }
                group.spawn { 1 }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("spawn: this group has ended"), "\(text)")
    }

    @Test
    func `reports the errors of threads that it does not throw`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                do {
                    try withGreenGroup(of: Void.self) { group in
                        group.spawn(name: "second") {
                            do { try nap() } catch { throw Mistake(number: 2) }
                        }
                        group.spawn(name: "first") { throw Mistake(number: 1) }
                    }
                    fatalError("the group has failed")
                } catch is Mistake {}
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains("'second' ended with an error that no thread waited for") == true)
    }
}
