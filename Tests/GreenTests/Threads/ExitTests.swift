import Green
import Testing

@Suite("The exit functions of a green thread")
struct ExitTests {
    @Test
    func `are called in order, in the thread itself, after its end`() throws {
        try onHub { () throws in
            var calls: [String] = []
            var places: [GreenThread<Void>] = []
            let thread = spawn { calls.append("body") }
            for name in ["first", "second", "third"] {
                thread.onExit {
                    calls.append(name)
                    places.append(GreenThread.current)
                }
            }
            try thread.wait()
            #expect(calls == ["body", "first", "second", "third"])
            #expect(places == [thread, thread, thread])
        }
    }

    @Test
    func `are called at once if it has ended`() throws {
        try onHub { () throws in
            let thread = spawn {}
            try thread.wait()
            var place: GreenThread<Void>?
            let link = thread.onExit { place = GreenThread.current }
            #expect(place == GreenThread.current)
            link.remove()
        }
    }

    @Test
    func `are called whether the thread returns, throws or is killed`() throws {
        try onHub { () throws in
            var count = 0
            let thrower = spawn { throw Mistake(number: 1) }
            let unborn = spawn {}
            let blocked = spawn { try GreenThread.sleep(for: .seconds(1000)) }
            for thread in [thrower, unborn, blocked] {
                thread.onExit { count += 1 }
            }
            try unborn.kill()
            #expect(throws: Mistake.self) { try thrower.wait() }
            try blocked.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try unborn.wait() }
            #expect(count == 3)
        }
    }

    @Test
    func `can read the result`() throws {
        try onHub { () throws in
            let thread = spawn { 12 }
            var result = 0
            thread.onExit { result = try thread.wait() }
            try thread.wait()
            #expect(result == 12)
        }
    }

    @Test
    func `are not called once removed`() throws {
        try onHub { () throws in
            var calls: [Int] = []
            let thread = spawn {}
            let links = (0..<5).map { number in thread.onExit { calls.append(number) } }
            links[0].remove()
            links[2].remove()
            links[2].remove()
            links[4].remove()
            try thread.wait()
            #expect(calls == [1, 3])
            links[1].remove()
        }
    }

    @Test
    func `must not block`() throws {
        try onHub { () throws in
            let thread = spawn {}
            var error: SystemError?
            thread.onExit { error = failure { try GreenThread.sleep(for: .seconds(1)) } }
            try thread.wait()
            #expect(error?.code == .resourceTemporarilyUnavailable)
        }
    }

    @Test
    func `may spawn`() throws {
        try onHub { () throws in
            let thread = spawn {}
            var successor: GreenThread<Int>?
            thread.onExit { successor = spawn { 4 } }
            try thread.wait()
            #expect(try successor?.wait() == 4)
        }
    }

    @Test
    func `that throw are reported, and the others are still called`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                var called = false
                let thread = spawn(name: "careless") {}
                thread.onExit { throw Mistake(number: 11) }
                thread.onExit { throw GreenExit() }
                thread.onExit { called = true }
                try thread.wait()
                precondition(called)
            }
        }
        #expect(reports(of: child).count == 1)
        #expect(reports(of: child).first?.contains("'careless' failed: Mistake(number: 11)") == true)
    }
}
