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
