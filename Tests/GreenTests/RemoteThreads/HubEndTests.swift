import Green
import Testing

@Suite("After the end of its hub")
struct HubEndTests {
    private func endedHubs(_ count: Int = 1) throws -> [Hub] {
        var ended: [Hub] = []
        try withHubs(count) { ended = $0 }
        return ended
    }

    @Test
    func `a spawned thread has ended with an error that says so`() throws {
        try onHub { () throws in
            let gone = Count()
            let guest = Guest(gone)
            let thread = try endedHubs()[0].spawn { guest.number }
            #expect(thread.isFinished)
            let error = failure { try thread.wait() }
            #expect(error?.code == .noSuchProcess)
            #expect(error?.message.contains("hub") == true, "\(String(describing: error))")
            try thread.kill()
        }
    }

    @Test
    func `a thread that had not finished is an error for its waiters, not a hang`() throws {
        try onHub { () throws in
            let (hubs, stop) = (Channel<Hub>(), Channel<Void>())
            let osThread = OSThread {
                if let hub = try? Hub.current {
                    try? hubs.send(hub)
                    try? stop.receive()
                }
            }
            let hub = try hubs.receive()
            let begun = Channel<Void>()
            let thread = hub.spawn {
                try begun.send(())
                try GreenThread.sleep(for: .seconds(1000))
            }
            try begun.receive()
            let waiter = spawn { try thread.wait() }
            try settle()
            try stop.send(())
            osThread.join()
            #expect(failure { try waiter.wait() }?.code == .noSuchProcess)
            #expect(failure { try thread.wait() }?.code == .noSuchProcess)
        }
    }

    @Test
    func `its references can still be compared`() throws {
        try onHub { () throws in
            let hubs = try endedHubs(2)
            let (first, second) = (hubs[0], hubs[1])
            #expect(first == hubs[0])
            #expect(first != second)
            #expect(Set([first, second]).count == 2)
            #expect(failure { try first.statistics() }?.code == .noSuchProcess)
        }
    }

    @Test
    func `an error that no thread waited for is reported once`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                var ended: Hub?
                try withHubs { hubs throws in
                    ended = hubs[0]
                    hubs[0].spawn(name: "first") { throw Mistake(number: 1) }
                    let observed = hubs[0].spawn { throw Mistake(number: 2) }
                    _ = try? observed.wait()
                    hubs[0].spawn { throw GreenExit() }
                    hubs[0].detach(name: "third") { throw Mistake(number: 3) }
                    try hubs[0].spawn {}.wait()
                }
                ended?.spawn { 4 }
                ended?.detach {}
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 4, "\(lines)")
        let first = lines.filter {
            $0.hasSuffix("'first' ended with an error that no thread waited for: Mistake(number: 1)")
        }
        #expect(first.count == 1, "\(lines)")
        #expect(lines.filter { $0.hasSuffix("'third' ended with an error: Mistake(number: 3)") }.count == 1, "\(lines)")
        #expect(lines.filter { $0.contains("never started ended with an error") }.count == 1, "\(lines)")
        #expect(lines.filter { $0.hasPrefix("green: detach: ") }.count == 1, "\(lines)")
    }
}
