import Green
import Testing

/// The programs of Tests/Programs print one line for each thing that works.
@Suite("Main actor")
struct MainActorTests {
    private func expectAllWorks(_ name: String, _ arguments: [String] = [], count: Int) throws {
        try onHub { () throws in
            let program = try Program(name, arguments)
            let lines = try program.rest()
            #expect(lines.allSatisfy { $0.hasPrefix("works: ") }, "\(lines)")
            #expect(lines.count == count, "\(lines)")
            #expect(try program.exitCode() == 0)
        }
    }

    @Test func `Tasks of the main actor run on the main thread while it waits in Green`() throws {
        try expectAllWorks("main-queue", ["tasks"], count: 6)
    }

    @Test func `The main queue is called while the main thread waits in Green`() throws {
        try expectAllWorks("main-queue", ["dispatch"], count: 3)
    }

    @Test func `Code of the main actor may block`() throws {
        try expectAllWorks("main-queue", ["blocking"], count: 4)
    }

    @Test func `A flood of calls and a flood of switches do not stop each other`() throws {
        try expectAllWorks("main-queue", ["floods"], count: 2)
    }

    @Test func `A forked child takes no work of the main queue`() throws {
        try expectAllWorks("main-queue", ["forks"], count: 1)
    }

    @Test func `A hub that has called the main queue closes`() throws {
        try expectAllWorks("main-queue", ["closing"], count: 1)
    }

    @Test func `Run loops and the hub call the main queue in turns`() throws {
        try expectAllWorks("main-queue", ["runLoops"], count: 4)
    }

    @Test(.disabled(if: isThreadSanitized, "the sanitizer has an OS thread of its own, which may add to the queue"))
    func `A deadlock is reported unless the main queue has work`() throws {
        try onHub { () throws in
            let program = try Program("main-queue", ["deadlocks"])
            let lines = try program.rest()
            #expect(lines.contains { $0.contains("deadlock: all green threads of this OS thread") }, "\(lines)")
            #expect(lines.count { $0.hasPrefix("works: ") } == 2, "\(lines)")
            #expect(try program.exitCode() == 0)
        }
    }

    @Test func `Code that is isolated to the main actor by default uses spawn, queues and serve`() throws {
        try expectAllWorks("main-queue-isolated", count: 8)
    }

    @Test func `An async main keeps the main actor, before and after its first suspension`() throws {
        try expectAllWorks("main-queue-async", count: 4)
    }

    @Test func `Green threads that are left when an async main suspends do not stop the main actor`() throws {
        try onHub { () throws in
            let program = try Program("main-queue-async", ["leave"])
            let lines = try program.rest()
            let report = lines.first { $0.contains("an OS thread ended while its hub was in use") }
            #expect(report?.contains("an async main of Swift ends the main OS thread") == true, "\(lines)")
            #expect(lines.count { $0.hasPrefix("works: ") } == 4, "\(lines)")
            #expect(try program.exitCode() == 0)
        }
    }

    @Test func `Top-level code with await keeps the main actor`() throws {
        try expectAllWorks("main-queue-await", count: 5)
    }
}
