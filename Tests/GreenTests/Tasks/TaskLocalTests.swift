import Dispatch
import Green
import Testing

/// What the calling thread sees before, between and after blocking calls.
private func idsSeen() throws -> Set<Int> {
    var seen: Set = [Request.id]
    for _ in 0..<5 {
        try GreenThread.yield()
        seen.insert(Request.id)
    }
    try GreenThread.sleep(for: .microseconds(10))
    seen.insert(Request.id)
    return seen
}

@Suite("Task-locals")
struct TaskLocalTests {
    @Test
    func `belong to the thread that binds them, at each step`() throws {
        try onHub { () throws in
            let threads = (1...20).map { id in
                spawn { try Request.$id.withValue(id) { try idsSeen() } }
            }
            for (index, thread) in threads.enumerated() {
                #expect(try thread.wait() == [index + 1])
            }
            #expect(Request.id == 0)
        }
    }

    @Test
    func `bound in nested scopes end in the order of their own thread`() throws {
        try onHub { () throws in
            let threads = (1...10).map { id in
                spawn {
                    try Request.$id.withValue(id) {
                        let inner = try Request.$id.withValue(id * 100) { try idsSeen() }
                        return (inner, try idsSeen())
                    }
                }
            }
            for (index, thread) in threads.enumerated() {
                let (inner, outer) = try thread.wait()
                #expect(inner == [(index + 1) * 100])
                #expect(outer == [index + 1])
            }
        }
    }

    @Test
    func `are inherited by spawned, detached and pooled threads, and by their threads`() throws {
        try onHub { () throws in
            let detached = Event<Set<Int>>()
            let pool = GreenPool(size: 2)
            let (spawned, grandchild, pooled) = Request.$id.withValue(7) {
                detach { try detached.send(try idsSeen()) }
                return (
                    spawn { try idsSeen() }, spawn { try spawn { try idsSeen() }.wait() },
                    Result { try pool.spawn { try idsSeen() } }
                )
            }
            let later = spawn { try idsSeen() }
            #expect(try spawned.wait() == [7])
            #expect(try grandchild.wait() == [7])
            #expect(try pooled.get().wait() == [7])
            #expect(try detached.wait() == [7])
            #expect(try later.wait() == [0])
        }
    }

    @Test
    func `are those of the spawn, not those of the time when the thread begins`() throws {
        try onHub { () throws in
            let thread = Request.$id.withValue(1) { spawn(after: .milliseconds(1)) { try idsSeen() } }
            let seen = try Request.$id.withValue(2) { try thread.wait() }
            #expect(seen == [1])
        }
    }

    @Test
    func `are released with a thread that is killed before it begins`() throws {
        try onHub { () throws in
            weak var released: HeldObject?
            do {
                let value = HeldObject()
                released = value
                let thread = Held.$value.withValue(value) { spawn { Issue.record("it must not begin") } }
                try thread.kill()
                #expect(throws: GreenExit.self) { try thread.wait() }
            }
            try settle()
            #expect(released == nil)
        }
    }

    @Test
    func `cross to other hubs and to offloaded calls`() throws {
        try withHubs { hubs throws in
            let thread = Request.$id.withValue(5) { hubs[0].spawn { try idsSeen() } }
            #expect(try thread.wait() == [5])
            let offloaded = try Request.$id.withValue(6) { try offload { Request.id } }
            #expect(offloaded == 6)
            let bare = (try hubs[0].spawn { try idsSeen() }.wait(), try offload { Request.id })
            #expect(bare == ([0], 0))
        }
    }

    @Test
    func `of the caller of serve are those of its handlers`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let seen = Queue<Set<Int>>()
            let server = Request.$id.withValue(9) {
                spawn {
                    try serve(listener) { _, _ in
                        try seen.put(try idsSeen())
                    }
                }
            }
            for _ in 0..<3 {
                let client = try connect(to: address)
                #expect(try client.read(upTo: 1).isEmpty)
                #expect(try seen.get() == [9])
            }
            #expect(try listener.stop(drainingFor: .seconds(60)) == 0)
            try server.wait()
        }
    }

    @Test
    func `of a thread that a hub refuses are freed in a green thread`() throws {
        try onHub { () throws in
            let pool = try HubPool(count: 1)
            let begun = DispatchSemaphore(value: 0), gate = DispatchSemaphore(value: 0)
            let freed = Promise<Bool>()
            pool.hubs[0].detach {
                begun.signal()
                gate.wait()  // blocks the hub, so that it gets the kill before the spawn
                try GreenThread.sleep(for: .seconds(3600))
            }
            begun.wait()
            let closing = spawn { try pool.close(drainingFor: .zero) }
            try GreenThread.yield()
            let refused = Yielding.$value.withValue(YieldingObject(freed)) { pool.hubs[0].spawn {} }
            gate.signal()
            #expect(try freed.wait())
            #expect(failure { try refused.wait() }?.code == .noSuchProcess)
            _ = try closing.wait()
        }
    }
}

/// Its end makes a blocking call.
private final class YieldingObject: Sendable {
    let freed: Promise<Bool>

    init(_ freed: Promise<Bool>) {
        self.freed = freed
    }

    deinit {
        let isGreen = failure { try GreenThread.sleep(for: .microseconds(1)) }?.code == .wouldBlock
        try? freed.send(isGreen)
    }
}

private enum Yielding {
    @TaskLocal static var value: YieldingObject?
}

private final class HeldObject: Sendable {}

private enum Held {
    @TaskLocal static var value: HeldObject?
}
