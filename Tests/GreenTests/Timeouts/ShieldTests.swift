import Green
import GreenTesting
import Testing

@Suite("A cancellation shield")
struct ShieldTests {
    @Test
    func `returns the result and throws the error of its body`() throws {
        try withTestHub { () throws in
            #expect(try withCancellationShield { 5 } == 5)
            #expect(try withCancellationShield(limit: nil) { 5 } == 5)
            #expect(throws: Mistake(number: 1)) { try withCancellationShield { throw Mistake(number: 1) } }
        }
    }

    @Test
    func `lets clean-up block after a limit has expired, in a catch and in a defer`() throws {
        try withTestHub { () throws in
            var cleaned: [String] = []
            let error = timeoutThrown {
                try withTimeout(.seconds(1)) {
                    defer {
                        #expect(timeoutThrown { try GreenThread.sleep(for: .seconds(1)) } != nil)
                        try? withCancellationShield {
                            try GreenThread.sleep(for: .seconds(1))
                            cleaned.append("defer")
                        }
                        #expect(timeoutThrown { try GreenThread.yield() } != nil)
                    }
                    do {
                        try dawdle()
                    } catch {
                        try withCancellationShield { () throws in
                            try GreenThread.sleep(for: .seconds(1))
                            cleaned.append("catch")
                        }
                        throw error
                    }
                }
            }
            #expect(error?.duration == .seconds(1))
            #expect(cleaned == ["catch", "defer"])
        }
    }

    @Test
    func `keeps a kill pending until it ends`() throws {
        try withTestHub { () throws in
            var steps: [String] = []
            let thread = spawn {
                try withCancellationShield(limit: nil) {
                    try GreenThread.sleep(for: .seconds(10))
                    steps.append("shielded")
                }
                steps.append("after")
                try GreenThread.yield()
                steps.append("never")
            }
            try GreenThread.yield()
            try thread.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try thread.wait() }
            #expect(steps == ["shielded", "after"])
        }
    }

    @Test(arguments: engines)
    func `that never ends is ended by its limit, and so is a parent that waits for it`(engine: String) throws {
        try withTestHub(engine: engine) { () throws in
            let (near, silent) = try Socket.pair()
            defer {
                near.close()
                silent.close()
            }
            let child = spawn { () -> Void in
                do {
                    try dawdle()
                } catch {
                    try withCancellationShield { _ = try near.readLine() }
                }
            }
            let parent = spawn {
                defer { try? withCancellationShield(limit: .seconds(60)) { try child.kill(waitingForEnd: true) } }
                try child.wait()
            }
            try settle()
            let start = TestClock.now
            try parent.kill(waitingForEnd: true)
            #expect(child.isFinished)
            #expect(TestClock.now - start == .seconds(5))
            #expect(timeoutThrown { try child.wait() }?.duration == .seconds(5))
            #expect(throws: GreenExit.self) { try parent.wait() }
        }
    }

    @Test
    func `ends a body that swallows the first thousand errors`() throws {
        try withTestHub { () throws in
            let swallowed = try withCancellationShield(limit: .seconds(1)) {
                (0..<900).count { _ in timeoutThrown { try dawdle() } != nil }
            }
            #expect(swallowed == 900)
            try GreenThread.yield()
        }
    }

    @Test
    func `has a limit of zero, of less and of centuries`() throws {
        try withTestHub { () throws in
            for limit in [Duration.zero, .seconds(-1), .seconds(Int64.min)] {
                #expect(try withCancellationShield(limit: limit) { 5 } == 5)
                #expect(timeoutThrown { try withCancellationShield(limit: limit) { try dawdle() } }?.duration == .zero)
            }
            for limit in [Duration.seconds(9_500_000_000), .seconds(Int64.max), nil] {
                try withCancellationShield(limit: limit) { try GreenThread.sleep(for: .seconds(1_000_000)) }
            }
        }
    }

    @Test
    func `does not keep away the limits that its body starts`() throws {
        try withTestHub { () throws in
            _ = timeoutThrown {
                try withTimeout(.zero) {
                    try withCancellationShield { () throws in
                        let inner = timeoutThrown { try withTimeout(.seconds(1)) { try dawdle() } }
                        #expect(inner.map(isTimeout) == true)
                        Timeout(.seconds(1))
                        #expect(timeoutThrown { try dawdle() }?.duration == .seconds(1))
                        try GreenThread.sleep(for: .seconds(1))
                    }
                }
            }
        }
    }

    @Test
    func `nests, and the limit of an outer one does not reach into an inner one`() throws {
        try withTestHub { () throws in
            let error = timeoutThrown {
                try withCancellationShield(limit: .seconds(1)) {
                    try withCancellationShield(limit: .seconds(10)) {
                        try GreenThread.sleep(for: .seconds(5))
                    }
                    try dawdle()
                }
            }
            #expect(error?.duration == .seconds(1))
            let thread = spawn {
                for _ in 0..<10 {
                    try withCancellationShield { try withCancellationShield { try GreenThread.yield() } }
                }
                try GreenThread.yield()
            }
            try GreenThread.yield()
            try thread.kill()
            #expect(throws: GreenExit.self) { try thread.wait() }
        }
    }

    @Test
    func `may be the last thing of a thread, in every order of scopes and shields`() throws {
        try withTestHub { () throws in
            func nested(_ depth: Int, _ shape: Int) throws {
                guard depth < 10 else { return try dawdle() }
                if shape >> depth & 1 == 0 {
                    try withTimeout(.seconds(10 - depth)) { try nested(depth + 1, shape) }
                } else {
                    try withCancellationShield(limit: .seconds(10 - depth)) { try nested(depth + 1, shape) }
                }
            }
            for shape in stride(from: 0, to: 1 << 10, by: 7) {
                let thread = spawn { try nested(0, shape) }
                try GreenThread.yield()
                if shape % 2 == 0 {
                    try thread.kill()
                }
                let error = errorThrown { try thread.wait() }
                #expect(error is GreenExit || error is Timeout)
                #expect(shape & 0x3FF == 0 || !(error is GreenExit) || shape % 2 == 0)
            }
        }
    }
}
