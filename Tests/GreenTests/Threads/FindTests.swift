import Green
import Testing

@Suite("A detached thread")
struct FindTests {
    @Test
    func `is found by its number, can be killed, and its error is thrown by a wait`() throws {
        try onHub { () throws in
            var id: UInt64 = 0
            detach(name: "secret") {
                id = GreenThread.current.id
                try GreenThread.sleep(for: .seconds(3600))
            }
            try settle()
            let thread = try #require(GreenThread.find(id: id))
            #expect(thread.name == "secret")
            #expect(thread.id == id)
            #expect(GreenThread.find(id: id) == thread)
            try thread.kill(throwing: Mistake(number: 3))
            #expect(throws: Mistake(number: 3)) { try thread.wait() }
            #expect(thread.isFinished)
            #expect(GreenThread.find(id: id) == nil)
        }
    }

    @Test
    func `is found before it has begun`() throws {
        try onHub { () throws in
            var hasRun = false
            detach(name: "early") { hasRun = true }
            let thread = try #require(GreenThread.all.first { $0.name == "early" })
            #expect(thread.cancel())
            #expect(throws: GreenExit.self) { try thread.wait() }
            #expect(!hasRun)
            detach(name: "late") { hasRun = true }
            try #require(GreenThread.all.first { $0.name == "late" }).wait()
            #expect(hasRun)
        }
    }

    @Test
    func `is one of all threads`() throws {
        try onHub { () throws in
            let spawned = spawn(name: "spawned") { try GreenThread.sleep(for: .seconds(3600)) }
            detach(name: "detached") { try GreenThread.sleep(for: .seconds(3600)) }
            let all = GreenThread.all
            #expect(all.map(\.id) == all.map(\.id).sorted())
            let current = GreenThread.current
            #expect(all.contains { $0 == current })
            #expect(all.contains { $0.id == spawned.id })
            #expect(all.filter { $0.name == "detached" }.count == 1)
            for thread in all where ["spawned", "detached"].contains(thread.name) {
                try thread.kill(waitingForEnd: true)
            }
            #expect(spawned.isFinished)
            #expect(!GreenThread.all.contains { $0.name == "detached" })
            #expect(throws: GreenExit.self) { try spawned.wait() }
        }
    }

    @Test
    func `that nothing waits for is released at its end, and its error is reported`() throws {
        try onHub { () throws in
            detach(name: "quiet") { throw GreenExit() }
            let found = try #require(GreenThread.all.first { $0.name == "quiet" }).id
            #expect(found > 0)
            try settle()
            #expect(GreenThread.find(id: found) == nil)
        }
    }

    @Test
    func `does not exist with a number that no thread has`() throws {
        try onHub { () throws in
            #expect(GreenThread.find(id: 0) == nil)
            #expect(GreenThread.find(id: .max) == nil)
        }
    }
}
