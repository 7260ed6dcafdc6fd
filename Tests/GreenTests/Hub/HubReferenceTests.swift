import Glibc
import Green
import Testing

@Suite("A reference to a hub")
struct HubReferenceTests {
    @Test
    func `is equal to others of the same hub`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            #expect(try hub == Hub.current)
            #expect(try Set([hub, Hub.current]).count == 1)
            let others = Channel<Hub>()
            onAnotherThread { _ = try? others.trySend(Hub.current) }
            let other = try others.receive()
            #expect(other != hub)
            #expect(failure { try other.spawn {}.wait() }?.code == .noSuchProcess)
        }
    }

    @Test
    func `creates the hub of an OS thread that has none`() {
        var hasHub = [false, false]
        onAnotherThread {
            hasHub[0] = (try? Hub.statistics) != nil
            _ = try? Hub.current
            hasHub[1] = (try? Hub.statistics) != nil
        }
        #expect(hasHub == [false, true])
    }

    @Test
    func `returns the counts and the name of its hub, on any OS thread`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            #expect(try hub.statistics().threads == Hub.statistics.threads)
        }
        try withHubs(2) { hubs throws in
            let (begun, gate) = (Channel<Void>(), Channel<Void>())
            let before = try hubs.map { try $0.statistics() }
            let threads = (0..<3).map { _ in
                hubs[1].spawn {
                    try begun.send(())
                    try gate.receive()
                }
            }
            for _ in threads {
                try begun.receive()
            }
            let after = try hubs.map { try $0.statistics() }
            #expect(after[0].threads == before[0].threads)
            #expect(after[1].threads == before[1].threads + 3)
            #expect(after[1].posts > before[1].posts)
            #expect(try Hub.sumOfStatistics().sum.threads >= after[0].threads + after[1].threads)
            gate.close()
            for thread in threads {
                #expect(throws: ChannelClosed.self) { try thread.wait() }
            }
        }
        let names = Channel<[String]>()
        onAnotherThread {
            try? Hub.open(name: "a hub\0 with a name of more than 31 bytes")
            if let hub = try? Hub.current {
                _ = try? names.trySend([hub.name])
            }
        }
        let found = try names.tryReceive()
        #expect(found == ["a hub␀ with a name of more th"], "\(String(describing: found))")
    }

    @Test
    func `cannot be counted while a thread blocks the hub`() throws {
        try withHubs { hubs throws in
            let (begun, gate) = (Channel<Void>(), Gate())
            let blocker = hubs[0].spawn {
                try begun.send(())
                gate.pass()
            }
            try begun.receive()
            #expect(failure { try hubs[0].statistics(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(try Hub.sumOfStatistics(timeout: .milliseconds(1)).blockedHubs >= 1)
            gate.open()
            try blocker.wait()
        }
    }

    @Test
    func `throws why the hub cannot be created`() async {
        await #expect(processExitsWith: .success) {
            inChildWithoutHub {
                precondition(unsafe setenv("GREEN_ENGINE", "steam", 1) == 0)
                precondition(failure { try Hub.current }?.code == .invalidArgument)
            }
        }
    }
}

private func inChildWithoutHub(_ body: () throws -> Void) {
    do {
        try body()
    } catch {
        fatalError("\(error)")
    }
}
