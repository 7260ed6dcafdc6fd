import Green
import GreenTesting
import Testing

/// An error that cannot be compared.
private struct Opaque: Error {
    let number: Int
}

@Suite("isInterrupt")
struct InterruptTests {
    /// What `inspect` finds about the error that a killed thread catches.
    private func afterKill<Value>(
        throwing error: any Error,
        _ inspect: @escaping (any Error) -> Value
    ) throws -> Value? {
        let thread = spawn { () -> Value? in errorThrown { try dawdle() }.map(inspect) }
        try GreenThread.yield()
        try thread.kill(throwing: error)
        return try thread.wait()
    }

    @Test
    func `is true of the error of a kill, in the killed thread`() throws {
        try withTestHub { () throws in
            let incident = Incident(Ledger().make())
            let errors: [any Error] = [
                GreenExit(), Mistake(number: 1), Opaque(number: 1), CancellationError(), incident,
            ]
            for error in errors {
                #expect(try afterKill(throwing: error) { isInterrupt($0) && !isTimeout($0) } == true)
                #expect(isInterrupt(error) == (error is GreenExit), "another thread was killed")
            }
            #expect(try afterKill(throwing: incident) { _ in isInterrupt(incident) } == true)
            let typed = try afterKill(throwing: Mistake(number: 1)) { error in
                guard let mistake = error as? Mistake else { return false }
                return isInterrupt(mistake)
            }
            #expect(typed == true)
        }
    }

    @Test
    func `is false of other errors of a killed thread, and of its earlier kills`() throws {
        try withTestHub { () throws in
            let incident = Incident(Ledger().make())
            let others: [any Error] = [
                Mistake(number: 2), Opaque(number: 1), CancellationError(), QueueClosed(), incident,
                SystemError(code: .timedOut, message: ""),
            ]
            for killed in [Mistake(number: 1) as any Error, Opaque(number: 1), Incident(Ledger().make())] {
                #expect(try afterKill(throwing: killed) { _ in others.allSatisfy { !isInterrupt($0) } } == true)
            }
            let thread = spawn { () -> [Bool] in
                let errors = (0..<2).map { _ in errorThrown { try dawdle() }! }
                return errors.map(isInterrupt)
            }
            try GreenThread.yield()
            try thread.kill(throwing: Mistake(number: 1))
            try GreenThread.yield()
            try thread.kill(throwing: Mistake(number: 2))
            #expect(try thread.wait() == [false, true])
        }
    }

    @Test
    func `does not keep an error that is an object`() throws {
        let ledger = Ledger()
        try withTestHub { () throws in
            let thread = spawn { () -> Int in
                _ = errorThrown { try dawdle() }
                return ledger.gone
            }
            try GreenThread.yield()
            try thread.kill(throwing: Incident(ledger.make()))
            #expect(try thread.wait() == 1)
            #expect(!isInterrupt(Mistake(number: 1)))
        }
    }

    @Test
    func `is true of the timeout of a limit inside of the limit, and false after it`() throws {
        try withTestHub { () throws in
            let limits: [(() throws -> Void) throws -> Void] = [
                { try withTimeout(.seconds(1), $0) }, { try withDeadline(.now.advanced(by: .seconds(1)), $0) },
                { try withCancellationShield(limit: .seconds(1), $0) },
            ]
            for limit in limits {
                let error = timeoutThrown {
                    try limit { () throws in
                        let error = errorThrown { try dawdle() }!
                        #expect(isInterrupt(error) && !isTimeout(error))
                        pass(.seconds(1))
                        try withCancellationShield { #expect(isInterrupt(error) && !isTimeout(error)) }
                        throw error
                    }
                }
                #expect(error.map { !isInterrupt($0) && isTimeout($0) } == true)
            }
        }
    }

    @Test
    func `is false of a timeout of another thread`() throws {
        try withTestHub { () throws in
            let limited = spawn { try withTimeout(.seconds(1)) { try dawdle() } }
            let started = spawn {
                Timeout(.seconds(1))
                try dawdle()
            }
            for thread in [limited, started] {
                let error = timeoutThrown { try thread.wait() }!
                #expect(!isInterrupt(error) && isTimeout(error))
            }
        }
    }

    @Test
    func `is true of a timeout object that has interrupted the thread, and of its substitute`() throws {
        try withTestHub { () throws in
            let pending = Timeout(.seconds(1000))
            #expect(!isInterrupt(pending) && isTimeout(pending))
            pending.cancel()
            Timeout(.seconds(1))
            let error = errorThrown { try dawdle() }!
            #expect(isInterrupt(error) && isTimeout(error))
            Timeout(.seconds(1), throwing: Mistake(number: 1))
            #expect(isInterrupt(errorThrown { try dawdle() }!))
            #expect(!isInterrupt(Mistake(number: 2)))
        }
    }

    @Test
    func `is false of what the call itself has thrown`() throws {
        try withTestHub { () throws in
            let queue = Queue<Int>()
            let late = errorThrown { _ = try queue.get(timeout: .zero) }!
            #expect(!isInterrupt(late) && isTimeout(late))
            queue.close()
            #expect(!isInterrupt(errorThrown { _ = try queue.get() }!))
            #expect(!isInterrupt(StopServe()))
        }
    }

    @Test
    func `is true of the cancellation of the caller's Task`() async throws {
        let outcomes = try await withGreenThread { Channel<[Bool]>() }
        let task = Task {
            try await withGreenThread {
                let error = errorThrown { try GreenThread.sleep(for: .seconds(1000)) }!
                try outcomes.send([error is CancellationError, isInterrupt(error), isInterrupt(Mistake(number: 1))])
            }
        }
        task.cancel()
        _ = await task.result
        if let outcome = try await withGreenThread({ try outcomes.tryReceive() }) {
            #expect(outcome == [true, true, false])
        }
        #expect(!isInterrupt(CancellationError()))
    }

    @Test
    func `is false on an OS thread without a hub`() {
        onAnotherThread {
            precondition(!isInterrupt(Mistake(number: 1)) && !isInterrupt(CancellationError()))
            precondition(isInterrupt(GreenExit()))
        }
    }
}
