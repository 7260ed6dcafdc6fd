import Green
import Testing

@Suite("A green thread's identity")
struct IdentityTests {
    @Test
    func `is the same from inside and outside`() throws {
        try onHub { () throws in
            var inner: GreenThread<Void>?
            let thread = spawn(name: "me") { inner = GreenThread.current }
            try thread.wait()
            #expect(inner == thread)
            #expect(inner?.id == thread.id)
            #expect(inner?.hashValue == thread.hashValue)
            #expect(thread != GreenThread.current)
            #expect(GreenThread.current == GreenThread.current)
        }
    }

    @Test
    func `is known to a detached thread, whose end can be waited for`() throws {
        try onHub { () throws in
            var inner: GreenThread<Void>?
            detach(name: "secret") {
                inner = GreenThread.current
                try GreenThread.yield()
                throw Mistake(number: 2)
            }
            try GreenThread.yield()
            let thread = try #require(inner)
            #expect(thread.name == "secret")
            #expect(throws: Mistake(number: 2)) { try thread.wait() }
            #expect(thread.isFinished)
        }
    }

    @Test
    func `has a unique number, and a name that can change`() throws {
        try onHub { () throws in
            let first = spawn(name: "worker") {}
            let second = spawn {}
            #expect(first.id != second.id)
            #expect(first.id > 0)
            #expect(first.description == "thread \(first.id) 'worker'")
            #expect(second.description == "thread \(second.id)")
            second.name = "renamed"
            #expect(second.name == "renamed")
            first.name = String(repeating: "x", count: 100)
            #expect(first.name == String(repeating: "x", count: 31))
            try first.wait()
            try second.wait()
            #expect(second.name == "renamed")
        }
    }

    @Test
    func `has the size of its stack and how much was used`() throws {
        try onHub { () throws in
            let small = spawn(stackSize: 1) { GreenThread.current.stackUsed }
            let standard = spawn { GreenThread.current.stackUsed }
            #expect(small.stackSize >= 64 << 10)
            #expect(standard.stackSize >= 1 << 20)
            #expect(try small.wait() > 0)
            #expect(try standard.wait() <= 1 << 20)
            #expect(standard.stackSize == 0)
            #expect(GreenThread.current.stackSize == 0)
        }
    }

    @Test
    func `is a line in the dump`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn(name: "curious") { try right.read(upTo: 1) }
            let sleeper = spawn(name: "dozing") { try GreenThread.sleep(for: .seconds(1000)) }
            try GreenThread.yield()
            let (source, sink) = try Socket.pair()
            try GreenThread.dumpAll(to: sink.fileDescriptor)
            sink.close()
            let lines = try source.lines.map { try $0.get() }
            let line = lines.first { $0.contains("\(reader)") }
            #expect(line?.contains("reading") == true)
            #expect(lines.contains { $0.contains("\(sleeper)") })
            #expect(lines.first?.contains(Hub.engine ?? "?") == true)
            left.close()
            #expect(try reader.wait() == [])
            try sleeper.kill(waitingForEnd: true)
        }
    }
}
