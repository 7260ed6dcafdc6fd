import Green
import Testing

@Suite("An event")
struct EventTests {
    @Test
    func `gives its value to all waiting threads in order, and to later ones`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            var order: [Int] = []
            let threads = (0..<5).map { number in
                spawn {
                    let value = try event.wait()
                    order.append(number)
                    return value
                }
            }
            try settle()
            #expect(event.waitingCount == 5)
            try event.send(42)
            #expect(order == [], "a send does not switch")
            #expect(event.waitingCount == 0)
            for thread in threads {
                #expect(try thread.wait() == 42)
            }
            #expect(order == [0, 1, 2, 3, 4])
            #expect(try event.wait() == 42)
            #expect(try event.wait(timeout: .zero) == 42)
        }
    }

    @Test
    func `may be sent before a thread waits`() throws {
        try onHub { () throws in
            let event = Event<String>()
            try event.send("early")
            #expect(try spawn { try event.wait() }.wait() == "early")
        }
    }

    @Test
    func `is sent once`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            try event.send(1)
            let error = failure { try event.send(2) }
            #expect(error?.code == .alreadyInProcess)
            #expect(error?.message.contains("reset") == true, "the message says what to do")
            #expect(failure { try event.send(throwing: Mistake(number: 3)) }?.code == .alreadyInProcess)
            #expect(try event.wait() == 1)
            #expect(!event.hasError)
        }
    }

    @Test
    func `throws the sent error itself to every thread`() throws {
        try onHub { () throws in
            let ledger = Ledger()
            let incident = Incident(ledger.make())
            let event = Event<Int>()
            let threads = (0..<3).map { _ in spawn { try event.wait() } }
            try settle()
            try event.send(throwing: incident)
            for thread in threads {
                #expect(#expect(throws: Incident.self) { try thread.wait() } === incident)
            }
            #expect(#expect(throws: Incident.self) { try event.wait() } === incident)
            #expect(#expect(throws: Incident.self) { try event.poll() } === incident)
            #expect(failure { try event.send(1) }?.code == .alreadyInProcess)
        }
    }

    @Test
    func `may carry no value`() throws {
        try onHub { () throws in
            let event = Event<Void>()
            let waiter = spawn { try event.wait() }
            try settle()
            try event.send()
            try waiter.wait()
            #expect(event.hasValue)
            #expect(failure { try event.send() }?.code == .alreadyInProcess)
        }
    }

    @Test
    func `reports its state`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            func state() -> [Bool] { [event.isSent, event.hasValue, event.hasError] }
            #expect(state() == [false, false, false])
            #expect(try event.poll() == nil)
            try event.send(1)
            #expect(state() == [true, true, false])
            #expect(try event.poll() == 1)
            event.reset()
            #expect(state() == [false, false, false])
            #expect(try event.poll() == nil)
            try event.send(throwing: Mistake(number: 1))
            #expect(state() == [true, false, true])
            #expect(throws: Mistake(number: 1)) { try event.poll() }
        }
    }

    @Test
    func `distinguishes a value of nil from no value`() throws {
        try onHub { () throws in
            let event = Event<Int?>()
            #expect(failure { try event.wait(timeout: .zero) }?.code == .timedOut)
            #expect(try event.poll() == nil)
            try event.send(nil)
            #expect(try event.wait() == nil)
            #expect(try event.poll() == .some(nil))
        }
    }

    @Test
    func `gives up after the timeout and may be waited for again`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            #expect(failure { try event.wait(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try event.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(event.waitingCount == 0)
            let waiter = spawn { try event.wait(timeout: .seconds(1000)) }
            try settle()
            try event.send(5)
            #expect(try waiter.wait() == 5)
        }
    }

    @Test
    func `is not affected by the kill of a waiter`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            let threads = (0..<3).map { _ in spawn { try event.wait() } }
            try settle()
            try threads[1].kill(throwing: Mistake(number: 1))
            #expect(event.waitingCount == 2)
            try event.send(7)
            #expect(try threads[0].wait() == 7)
            #expect(throws: Mistake(number: 1)) { try threads[1].wait() }
            #expect(try threads[2].wait() == 7)
        }
    }

    @Test
    func `gives its value to a waiter that is killed after the send`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            var got: Int?
            let thread = spawn {
                got = try event.wait()
                try GreenThread.yield()
            }
            try settle()
            try event.send(8)
            try thread.kill(throwing: Mistake(number: 2))
            #expect(throws: Mistake(number: 2)) { try thread.wait() }
            #expect(got == 8)
        }
    }

    @Test
    func `can be reset and sent again`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            for round in 1...3 {
                let waiter = spawn { try event.wait() }
                try settle()
                #expect(!waiter.isFinished)
                try event.send(round)
                #expect(try waiter.wait() == round)
                event.reset()
            }
        }
    }

    @Test
    func `does not wake waiters when it is reset before it was sent`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            let waiter = spawn { try event.wait() }
            try settle()
            event.reset()
            event.reset()
            #expect(event.waitingCount == 1)
            try event.send(6)
            #expect(try waiter.wait() == 6)
        }
    }

    @Test
    func `gives a woken waiter the sent value, even if it is reset before the waiter runs`() throws {
        try onHub { () throws in
            let ledger = Ledger()
            let event = Event<(Int, Tracked)>()
            let first = spawn { try event.wait() }
            try settle()
            try event.send((1, ledger.make()))
            event.reset()
            #expect(ledger.gone == 0, "the waiter still needs it")
            let second = spawn { try event.wait() }
            try event.send(throwing: Mistake(number: 2))
            event.reset()
            try event.send((3, ledger.make()))
            #expect(try first.wait().0 == 1)
            #expect(try second.wait().0 == 3, "it began to wait after the others were sent")
            #expect(try event.wait().0 == 3)
        }
    }

    @Test
    func `destroys each value once`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let unseen = Event<Tracked>()
            try unseen.send(ledger.make())

            let event = Event<Tracked>()
            let threads = (0..<3).map { _ in spawn { try event.wait().touch() } }
            let killed = spawn { try event.wait().touch() }
            try settle()
            try killed.kill()
            try event.send(ledger.make())
            try settle()
            #expect(threads.allSatisfy { $0.isFinished })
            #expect(ledger.gone == 0, "the event keeps the sent value")
            event.reset()
            #expect(ledger.gone == 1)
            try event.send(throwing: Incident(ledger.make()))
            #expect(throws: Incident.self) { try event.wait() }
            #expect(failure { try event.send(ledger.make()) }?.code == .alreadyInProcess)
            #expect(ledger.gone == 2, "a refused value is destroyed at once")
            withExtendedLifetime(unseen) {}
        }
        #expect(ledger.made == 4)
        #expect(ledger.gone == 4)
    }

    @Test
    func `may be sent by a function that is called on a thread's exit`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            let thread = spawn {}
            thread.onExit { try event.send(1) }
            #expect(try event.wait() == 1)
        }
    }

    @Test
    func `that no thread can send is a deadlock`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                do {
                    try Event<Int>().wait()
                    fatalError("no thread sends it")
                } catch is DeadlockError {}
            }
        }
        #expect(String(decoding: child.standardErrorContent, as: UTF8.self).contains("event"))
    }

    @Test
    func `refuses another OS thread`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let event = Event<Int>()
                precondition(failure { try event.wait(timeout: .zero) }?.code == .timedOut)
                onAnotherThread {
                    precondition(failure { try event.send(1) }?.code == .improperLink)
                    precondition(failure { try event.wait() }?.code == .improperLink)
                }
                try event.send(2)
                let value = try event.wait()
                precondition(value == 2)
            }
        }
    }
}
