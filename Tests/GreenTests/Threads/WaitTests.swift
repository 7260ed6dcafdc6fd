import Green
import Testing

@Suite("Waiting for a green thread")
struct WaitTests {
    @Test
    func `gives up after the timeout and may be tried again`() throws {
        try onHub { () throws in
            let thread = spawn {
                try GreenThread.sleep(for: .milliseconds(50))
                return 3
            }
            #expect(failure { try thread.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(failure { try thread.wait(timeout: .zero) }?.code == .timedOut)
            #expect(!thread.isFinished)
            #expect(try thread.wait(timeout: .seconds(60)) == 3)
            #expect(try thread.wait(timeout: .zero) == 3)
        }
    }

    @Test
    func `with a timeout does not take the result from another waiter`() throws {
        try onHub { () throws in
            let thread = spawn {
                try GreenThread.sleep(for: .milliseconds(50))
                return 3
            }
            let patient = spawn { try thread.wait() }
            let hasty = spawn { try thread.wait(timeout: .milliseconds(1)) }
            #expect(failure { try hasty.wait() }?.code == .timedOut)
            #expect(try patient.wait() == 3)
        }
    }

    @Test
    func `for the current thread is a deadlock`() throws {
        try onHub { () throws in
            #expect(throws: DeadlockError.self) { try GreenThread.current.wait() }
            let thread = spawn(name: "Narcissus") { try GreenThread.current.wait() }
            let error = #expect(throws: DeadlockError.self) { try thread.wait() }
            #expect(error?.message.isEmpty == false)
            #expect(error?.description == error?.message)
        }
    }

    @Test
    func `that nothing can ever end is a deadlock, and is reported`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let main = GreenThread.current
                let thread = spawn(name: "hopeless") { try main.wait() }
                do {
                    try thread.wait()
                    fatalError("there is nothing to wait for")
                } catch is DeadlockError {}
                try thread.kill(waitingForEnd: true)
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("'hopeless'"), "\(text)")
    }

    @Test
    func `is interrupted by a kill of the waiter, which does not affect the other thread`() throws {
        try onHub { () throws in
            let thread = spawn {
                try GreenThread.sleep(for: .milliseconds(20))
                return 1
            }
            let waiter = spawn { try thread.wait() }
            try GreenThread.yield()
            try waiter.kill(throwing: Mistake(number: 9))
            #expect(throws: Mistake(number: 9)) { try waiter.wait() }
            #expect(try thread.wait() == 1)
        }
    }

    @Test
    func `forms chains`() throws {
        try onHub { () throws in
            var last = spawn { 0 }
            for _ in 0..<1000 {
                let previous = last
                last = spawn { try previous.wait() + 1 }
            }
            #expect(try last.wait() == 1000)
        }
    }

    @Test
    func `for a descriptor returns its events`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let descriptor = try right.fileDescriptor
            #expect(failure { try GreenThread.wait(for: descriptor, .readable, timeout: .zero) }?.code == .timedOut)
            #expect(try GreenThread.wait(for: descriptor, .writable) == .writable)
            let waiter = spawn { try GreenThread.wait(for: descriptor, .readable) }
            try GreenThread.yield()
            try left.write("x")
            #expect(try waiter.wait() == .readable)
            // Unlike a close, it is seen although a child of another test may hold a copy.
            try left.shutdown()
            #expect(try GreenThread.wait(for: descriptor, .readable).isSuperset(of: [.readable, .hangup]))
        }
    }
}
