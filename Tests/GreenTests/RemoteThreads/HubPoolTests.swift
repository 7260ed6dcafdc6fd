import Foundation
import Green
import Testing

/// The number of CPUs that this OS thread may use.
private func allowedCPUs() throws -> Int {
    let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") })
    return line.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
}

@Suite("A pool of hubs")
struct HubPoolTests {
    @Test
    func `has a hub for each CPU by default`() throws {
        try onHub { () throws in
            let hubs = try HubPool()
            #expect(try hubs.count == allowedCPUs())
            try hubs.close()
        }
    }

    @Test
    func `is a collection of different hubs on different OS threads`() throws {
        try withPool(3) { hubs throws in
            #expect(hubs.count == 3)
            #expect(hubs.hubs == Array(hubs))
            #expect(Set(hubs).count == 3)
            #expect(hubs.map(\.name) == ["hub-0", "hub-1", "hub-2"])
            #expect(try !hubs.contains(Hub.current))
            let threads = hubs.map { hub in hub.spawn { pthread_self() } }
            #expect(try Set(threads.map { try $0.wait() }).count == 3)
        }
    }

    @Test
    func `returns its hubs one after the other`() throws {
        try withPool(3) { hubs throws in
            let drawn = (0..<6).map { _ in hubs.next() }
            #expect(Set(drawn[0..<3]) == Set(hubs))
            #expect(Array(drawn[3..<6]) == Array(drawn[0..<3]))
        }
    }

    @Test
    func `passes its options to each hub`() throws {
        try onHub { () throws in
            let hubs = try HubPool(count: 2, name: "kitchen", pinned: true, engine: "epoll", stackSize: 128 << 10)
            let threads = hubs.map { hub in
                hub.spawn { () -> (String?, Int, String, Int) in
                    let name = try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
                    return (Hub.engine, GreenThread.current.stackSize, name, try allowedCPUs())
                }
            }
            var names: Set<String> = []
            for thread in threads {
                let (engine, stackSize, name, cpus) = try thread.wait()
                #expect(engine == "epoll")
                #expect(stackSize == 128 << 10)
                #expect(name.hasPrefix("kitchen"), "\(name)")
                #expect(cpus == 1)
                names.insert(name)
            }
            #expect(names.count == 2)
            try hubs.close()
        }
    }

    @Test(arguments: [Int.min, -1, 0, 1025, .max])
    func `of an impossible number of hubs is an error`(_ count: Int) throws {
        try onHub { () throws in
            let error = failure { try HubPool(count: count) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("\(count)") == true, "\(String(describing: error))")
        }
    }

    @Test
    func `with an invalid option is an error`() throws {
        try onHub { () throws in
            #expect(failure { try HubPool(count: 2, engine: "steam") }?.code == .invalidArgument)
            #expect(failure { try HubPool(count: 2, engine: "a\0b") }?.code == .invalidArgument)
            #expect(failure { try HubPool(count: 2, entries: 3) }?.code == .invalidArgument)
            #expect(failure { try HubPool(count: 2, entries: 0) }?.code == .invalidArgument)
            #expect(failure { try HubPool(count: 2, warmStacks: -1) }?.code == .invalidArgument)
            try HubPool(count: 1, name: "a\0b").close()
        }
    }

    @Test
    func `waits for the threads of its hubs, or kills them`() throws {
        try onHub { () throws in
            let (begun, gate) = (Channel<Void>(), Channel<Void>())
            let patient = try HubPool(count: 2)
            let threads = patient.map { hub in
                hub.spawn {
                    try begun.send(())
                    try gate.receive()
                }
            }
            for _ in threads {
                try begun.receive()
            }
            let closing = spawn { try patient.close() }
            try settle()
            #expect(!closing.isFinished)
            for _ in threads {
                try gate.send(())
            }
            #expect(try closing.wait() == 0)
            for thread in threads {
                try thread.wait()
            }
            #expect(try patient.close() == 0, "a second time")

            let hasty = try HubPool(count: 2)
            let others = hasty.map { hub in
                hub.spawn {
                    try begun.send(())
                    try gate.receive()
                }
            }
            for _ in others {
                try begun.receive()
            }
            #expect(try hasty.close(drainingFor: .milliseconds(1)) == 2)
            for thread in others {
                #expect(throws: GreenExit.self) { try thread.wait() }
            }
            #expect(gate.receivingCount == 0)
        }
    }

    @Test
    func `cannot be closed by one of its threads`() throws {
        try withPool { hubs throws in
            let thread = hubs[0].spawn { try hubs.close() }
            #expect(throws: DeadlockError.self) { try thread.wait() }
        }
    }

    @Test
    func `counts what each of its hubs does`() throws {
        try withPool(2) { hubs throws in
            let (begun, gate) = (Channel<Void>(), Channel<Void>())
            let before = try hubs.statistics()
            #expect(before.count == 2)
            let threads = (0..<3).map { _ in
                hubs[1].spawn {
                    try begun.send(())
                    try gate.receive()
                }
            }
            for _ in threads {
                try begun.receive()
            }
            let after = try hubs.statistics()
            #expect(after[0].threads == before[0].threads)
            #expect(after[1].threads == before[1].threads + 3)
            #expect(after[1].posts > before[1].posts)
            #expect(try hubs[1].statistics().threads == before[1].threads + 3)
            for _ in threads {
                try gate.send(())
            }
            for thread in threads {
                try thread.wait()
            }
        }
    }

    @Test
    func `ends its hubs when it is released`() throws {
        try onHub { () throws in
            let hub: Hub
            let (begun, gate) = (Channel<Void>(), Channel<Void>())
            let thread: RemoteThread<Int>
            do {
                let hubs = try HubPool(count: 1)
                hub = hubs[0]
                thread = hub.spawn {
                    try begun.send(())
                    try gate.receive()
                    return 1
                }
                try begun.receive()
            }
            try gate.send(())
            #expect(try thread.wait() == 1, "its threads run to their end")
            try until { failure { try hub.spawn {}.wait() }?.code == .noSuchProcess }
        }
    }
}
