import Green
import Testing

@Suite("A select")
struct SelectTests {
    @Test
    func `serves the case that is ready, and the others take nothing`() throws {
        try onHub { () throws in
            let (empty, jobs) = (Queue<Int>(capacity: 1), Queue<String>(capacity: 1))
            let stop = Event<Void>()
            try jobs.put("a job")
            let text = try select {
                When.get(empty) { number in "number \(number)" }
                When.get(jobs) { job in job }
                When.sent(stop) { _ in "stopped" }
                When.after(.seconds(3600)) { "idle" }
            }
            #expect(text == "a job")
            #expect(jobs.isEmpty && empty.gettingCount == 0 && stop.waitingCount == 0)
        }
    }

    @Test
    func `waits until a case is ready`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            let stop = Event<String>()
            let permits = Semaphore(permits: 0)
            let numbers = Channel<Int>()
            let selector = spawn { () throws -> [String] in
                var texts: [String] = []
                while texts.count < 4 {
                    try select {
                        When.get(jobs) { texts.append("job \($0)") }
                        When.sent(stop) { texts.append($0) }
                        When.acquired(permits) { texts.append("permit") }
                        When.receive(numbers) { texts.append("number \($0)") }
                    }
                }
                return texts
            }
            try settle()
            #expect(jobs.gettingCount == 1 && stop.waitingCount == 1 && permits.waitingCount == 1)
            try jobs.put(1)
            try settle()
            permits.release()
            try settle()
            try numbers.send(2)
            try settle()
            try stop.send("stop")
            #expect(try selector.wait() == ["job 1", "permit", "number 2", "stop"])
            #expect(jobs.gettingCount == 0 && permits.waitingCount == 0 && numbers.receivingCount == 0)
        }
    }

    @Test
    func `puts and sends an item only if its case is served`() throws {
        try onHub { () throws in
            let full = Queue<String>(capacity: 0)
            let channel = Channel<String>(capacity: 1)
            try channel.send("first")
            let selector = spawn {
                try select {
                    When.put("put", into: full) { "queue" }
                    When.send("sent", into: channel) { "channel" }
                }
            }
            try settle()
            #expect(try channel.receive() == "first")
            #expect(try selector.wait() == "channel")
            #expect(try channel.receive() == "sent")
            #expect(try full.tryGet() == nil && full.puttingCount == 0)
        }
    }

    @Test
    func `returns the result of a thread, or throws its error`() throws {
        try onHub { () throws in
            struct Failure: Error {}
            let (never, ready) = (Event<Void>(), Event<Void>())
            let endless = spawn { () throws -> Int in
                try never.wait()
                return 0
            }
            let answer = spawn { () throws -> Int in
                try ready.wait()
                return 42
            }
            let opener = spawn { try ready.send() }
            let result = try select {
                When.ended(endless) { $0 }
                When.ended(answer) { $0 }
            }
            #expect(result == 42)
            let failed = spawn { () throws -> Int in throw Failure() }
            #expect(throws: Failure.self) {
                try select {
                    When.ended(endless) { $0 }
                    When.ended(failed) { $0 }
                }
            }
            try never.send()
            _ = try (endless.wait(), opener.wait())
        }
    }

    @Test
    func `waits for sockets and descriptors`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            let (nearDescriptor, farDescriptor) = try (near.fileDescriptor, far.fileDescriptor)
            let reader = spawn {
                try select {
                    When.readable(near) { try near.readLine() }
                    When.ready(nearDescriptor, .priority) { _ -> String? in nil }
                }
            }
            try settle()
            try far.write("one\ntwo\n")
            #expect(try reader.wait() == "one")
            let second = try select {
                When.readable(near) { try near.readLine() ?? "" }
                Otherwise { "nothing" }
            }
            #expect(second == "two")
            let events = try select {
                When.ready(farDescriptor, [.readable, .writable]) { $0 }
                When.after(.seconds(3600)) { PollEvents() }
            }
            #expect(events == .writable)
            #expect(
                try select {
                    When.writable(far) { true }
                    When.after(.seconds(3600)) { false }
                }
            )
        }
    }

    @Test
    func `does not wait if it has an otherwise`() throws {
        try onHub { () throws in
            let jobs = Queue<Int>()
            func next() throws -> Int? {
                try select {
                    When.next(jobs) { $0 }
                    Otherwise<Int?> { nil }
                }
            }
            #expect(try next() == nil)
            try jobs.put(5)
            #expect(try next() == 5)
            #expect(try next() == nil)
        }
    }

    @Test
    func `has cases that are switched off, and any number of cases`() throws {
        try onHub { () throws in
            let queues = (0..<100).map { _ in Queue<Int>() }
            let stop = Event<Void>()
            try stop.send()
            func next(stopping: Bool) throws -> Int {
                try select(timeout: .zero) {
                    if stopping {
                        When.sent(stop) { _ in -1 }
                    }
                    for queue in queues {
                        When.get(queue) { $0 }
                    }
                    if stopping {
                        When.after(.seconds(3600)) { -2 }
                    } else {
                        When.after(.seconds(7200)) { -3 }
                    }
                }
            }
            try queues[77].put(77)
            #expect(try next(stopping: false) == 77)
            #expect(try next(stopping: true) == -1)
            expectTimedOut { _ = try next(stopping: false) }
        }
    }

    @Test
    func `runs the body in its own thread, and the body may block and throw`() throws {
        try onHub { () throws in
            struct Failure: Error {}
            let jobs = Queue<Int>()
            try jobs.put(1)
            try jobs.put(2)
            let current = GreenThread.current
            try select {
                When.get(jobs) { _ in
                    try GreenThread.yield()
                    #expect(GreenThread.current == current)
                }
            }
            #expect(throws: Failure.self) { try select { When.get(jobs) { _ in throw Failure() } } }
        }
    }
}

func expectTimedOut(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
    let error = #expect(throws: SystemError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.code == .timedOut, sourceLocation: sourceLocation)
}
