import Green
import Testing

@Suite("A select that goes wrong")
struct SelectMistakeTests {
    @Test
    func `throws what the plain call of the served case throws`() throws {
        try onHub { () throws in
            struct Failure: Error {}
            let (jobs, open) = (Queue<Int>(), Queue<Int>())
            let numbers = Channel<Int>()
            let event = Event<Int>()
            jobs.close()
            numbers.close()
            try event.send(throwing: Failure())
            #expect(throws: QueueClosed.self) {
                try select {
                    When.get(open) { $0 }
                    When.get(jobs) { $0 }
                }
            }
            #expect(throws: QueueClosed.self) { try select { When.put(1, into: jobs) {} } }
            #expect(throws: ChannelClosed.self) { try select { When.receive(numbers) { $0 } } }
            #expect(throws: ChannelClosed.self) { try select { When.send(1, into: numbers) {} } }
            #expect(throws: Failure.self) { try select { When.sent(event) { $0 } } }
            #expect(
                try select {
                    When.next(open) { $0 }
                    When.next(jobs) { $0 }
                } == nil
            )
            #expect(try select { When.next(numbers) { $0 } } == nil)
        }
    }

    @Test
    func `is ended by a close during the wait`() throws {
        try onHub { () throws in
            let (jobs, open) = (Queue<Int>(), Queue<Int>())
            let selector = spawn {
                try select {
                    When.next(open) { $0 ?? -2 }
                    When.next(jobs) { $0 ?? -1 }
                }
            }
            try settle()
            jobs.close()
            #expect(try selector.wait() == -1)
            #expect(open.gettingCount == 0)
        }
    }

    @Test
    func `needs a case or a timeout`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            let isOn = jobs.count > 0
            let error = #expect(throws: SystemError.self) {
                try select {
                    if isOn {
                        When.get(jobs) { $0 }
                    }
                }
            }
            #expect(error?.code == .invalidArgument)
            expectTimedOut {
                try select(timeout: .milliseconds(1)) {
                    if isOn {
                        When.get(jobs) { _ in }
                    }
                }
            }
        }
    }

    @Test(arguments: [Duration.zero, .nanoseconds(-1), .seconds(-Int64.max)])
    func `is ready at once after a time of zero or less`(_ duration: Duration) throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            #expect(
                try select {
                    When.get(jobs) { _ in false }
                    When.after(duration) { true }
                }
            )
        }
    }

    @Test
    func `does not end before a huge time`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            expectTimedOut {
                try select(timeout: .milliseconds(1)) {
                    When.get(jobs) { _ in }
                    When.after(.seconds(Int64.max)) {}
                }
            }
        }
    }

    @Test
    func `is ended by a kill and by a time limit, and takes nothing`() throws {
        try onHub { () throws in
            let (jobs, more) = (Queue<Int>(), Queue<Int>())
            let selector = spawn {
                try select {
                    When.get(jobs) { $0 }
                    When.get(more) { $0 }
                }
            }
            try settle()
            try selector.kill()
            #expect(throws: GreenExit.self) { try selector.wait() }
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) {
                    try select {
                        When.get(jobs) { $0 }
                        When.get(more) { $0 }
                    }
                }
            }
            #expect(jobs.gettingCount == 0 && more.gettingCount == 0)
        }
    }

    @Test
    func `throws for an object of another OS thread`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            try jobs.put(1)
            var error: (any Error)?
            onAnotherThread {
                do {
                    try select { When.get(jobs) { _ in } }
                } catch let thrown {
                    error = thrown
                }
                _ = try? Hub.close()
            }
            #expect((error as? SystemError)?.code == .improperLink)
            #expect(jobs.count == 1)
        }
    }

    @Test
    func `destroys each item once`() throws {
        try onHub { () throws in
            let ledger = Ledger()
            do {
                let full = Queue<Tracked>(capacity: 1)
                let empty = Queue<Tracked>()
                try full.put(ledger.make())
                expectTimedOut {
                    try select(timeout: .milliseconds(1)) {
                        When.put(ledger.make(), into: full) {}
                        When.get(empty) { _ in }
                    }
                }
                try select {
                    When.put(ledger.make(), into: full) {}
                    When.get(full) { _ in }
                }
                full.close()
                #expect(throws: QueueClosed.self) { try select { When.put(ledger.make(), into: full) {} } }
            }
            #expect(ledger.made == 4 && ledger.gone == 4)
        }
    }

    @Test
    func `passes items that need a large alignment`() throws {
        try onHub { () throws in
            let queue = Queue<SIMD8<Double>>(capacity: 1)
            let value = SIMD8<Double>(0, 1, 2, 3, 4, 5, 6, 7)
            try select { When.put(value, into: queue) {} }
            #expect(try select { When.get(queue) { $0 } } == value)
        }
    }
}
