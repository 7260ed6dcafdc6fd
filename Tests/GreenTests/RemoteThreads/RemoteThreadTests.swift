import Dispatch
import Glibc
import Green
import Testing

@Suite("A thread on another hub")
struct RemoteThreadTests {
    @Test
    func `runs on the OS thread of its hub, and returns its result to the caller's`() throws {
        try withHubs { hubs throws in
            let mine = pthread_self()
            let hub = hubs[0]
            let thread = hub.spawn { (pthread_self(), try Hub.current == hub) }
            let (other, isThere) = try thread.wait()
            #expect(other != mine)
            #expect(isThere)
            #expect(thread.isFinished)
            #expect(thread.hub == hub)
            #expect(try thread.wait().0 == other, "any number of times")
        }
    }

    @Test
    func `throws the error of its function to every thread that waits`() throws {
        try withHubs { hubs throws in
            let gate = Channel<Void>()
            let thread = hubs[0].spawn { () throws -> Int in
                try gate.receive()
                throw Mistake(number: 3)
            }
            let waiters = (0..<3).map { _ in spawn { try thread.wait() } }
            try settle()
            #expect(!thread.isFinished)
            try gate.send(())
            for waiter in waiters {
                #expect(throws: Mistake(number: 3)) { try waiter.wait() }
            }
            #expect(throws: Mistake(number: 3)) { try thread.wait() }
        }
    }

    @Test
    func `starts after the threads that its caller spawned before`() throws {
        try withHubs { hubs throws in
            let started = Channel<Int>()
            let threads = (0..<100).map { number in
                hubs[0].spawn { try started.send(number) }
            }
            for thread in threads {
                try thread.wait()
            }
            started.close()
            #expect(try started.map { try $0.get() } == Array(0..<100))
        }
    }

    @Test
    func `has the name, the stack size and the delay of its spawn`() throws {
        try withHubs { hubs throws in
            let thread = hubs[0].spawn(name: "worker", stackSize: 256 << 10) {
                (GreenThread.current.name, GreenThread.current.stackSize)
            }
            let (name, size) = try thread.wait()
            #expect(name == "worker")
            #expect(size == 256 << 10)
            let late = hubs[0].spawn(after: .seconds(1000)) {}
            #expect(failure { try late.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(!late.isFinished)
            try late.kill()
            #expect(throws: GreenExit.self) { try late.wait() }
        }
    }

    @Test
    func `can be spawned and waited for on an OS thread without a hub`() throws {
        try withHubs { hubs throws in
            let results = Channel<Int>()
            let hub = hubs[0]
            onAnotherThread {
                let thread = hub.spawn { 5 }
                if let result = try? thread.wait() {
                    _ = try? results.trySend(result)
                }
                if (try? Hub.statistics) != nil {
                    results.close()
                }
            }
            let result = try results.tryReceive()
            #expect(result == 5)
        }
    }

    @Test
    func `can be spawned by callbacks of Dispatch`() throws {
        try withHubs { hubs throws in
            let hub = hubs[0]
            let numbers = Channel<Int>()
            DispatchQueue.concurrentPerform(iterations: 10) { number in
                hub.detach { try numbers.send(number) }
            }
            #expect(try (0..<10).map { _ in try numbers.receive() }.sorted() == Array(0..<10))
        }
    }

    /// Does not block, so an async function may call it.
    private func addRemotely(_ left: Int, _ right: Int, on hub: Hub) async -> RemoteThread<Int> {
        hub.spawn { left + right }
    }

    @Test
    func `can be spawned in an async function`() throws {
        try withHubs { hubs throws in
            let hub = hubs[0]
            let threads = Channel<RemoteThread<Int>>()
            Task { try threads.trySend(await addRemotely(2, 3, on: hub)) }
            #expect(try threads.receive().wait() == 5)
        }
    }

    @Test
    func `may be one of the caller's own hub`() throws {
        try onHub { () throws in
            let thread = try Hub.current.spawn { 1 }
            #expect(try thread.wait() == 1)
            let blocked = try Hub.current.spawn { try GreenThread.sleep(for: .seconds(1000)) }
            try settle()
            try blocked.kill()
            #expect(throws: GreenExit.self) { try blocked.wait() }
        }
    }

    @Test
    func `cannot wait for itself`() throws {
        try withHubs { hubs throws in
            let handles = Channel<RemoteThread<Void>>()
            let thread = hubs[0].spawn { () throws -> Void in try handles.receive().wait() }
            try handles.send(thread)
            #expect(throws: DeadlockError.self) { try thread.wait() }
        }
    }

    @Test
    func `is killed from any OS thread`() throws {
        try withHubs { hubs throws in
            let begun = Channel<Void>()
            let blocked = { @Sendable () throws -> Int in
                try begun.send(())
                try GreenThread.sleep(for: .seconds(1000))
                return 1
            }
            let first = hubs[0].spawn(blocked)
            try begun.receive()
            try first.kill()
            #expect(throws: GreenExit.self) { try first.wait() }
            try first.kill()

            let second = hubs[0].spawn(blocked)
            try begun.receive()
            onAnotherThread { try? second.kill(throwing: Mistake(number: 4)) }
            #expect(throws: Mistake(number: 4)) { try second.wait() }

            let third = hubs[0].spawn { () -> String in
                do {
                    _ = try blocked()
                    return "not killed"
                } catch {
                    return "caught \(error)"
                }
            }
            try begun.receive()
            try third.kill(throwing: Mistake(number: 5))
            #expect(try third.wait() == "caught \(Mistake(number: 5))")
        }
    }

    @Test
    func `never runs if it is killed before`() throws {
        try withHubs { hubs throws in
            let (runs, gone) = (Count(), Count())
            let (busy, gate) = (Channel<Void>(), Gate())
            let blocker = hubs[0].spawn {
                try busy.send(())
                gate.pass()
            }
            try busy.receive()
            let threads = [GreenExit() as any Error, Mistake(number: 6)].map { error in
                let guest = Guest(gone)
                let thread = hubs[0].spawn { () -> Int in
                    runs.add()
                    return guest.number
                }
                try? thread.kill(throwing: error)
                return thread
            }
            gate.open()
            #expect(throws: GreenExit.self) { try threads[0].wait() }
            #expect(throws: Mistake(number: 6)) { try threads[1].wait() }
            try blocker.wait()
            #expect(runs.value == 0)
            try until { gone.value == 2 }
        }
    }

    @Test
    func `continues if its waiter is killed or gives up`() throws {
        try withHubs { hubs throws in
            let gate = Channel<Void>()
            let thread = hubs[0].spawn { try gate.receive() }
            #expect(failure { try thread.wait(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try thread.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            let waiter = spawn { try thread.wait() }
            try settle()
            try waiter.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try waiter.wait() }
            #expect(!thread.isFinished)
            try gate.send(())
            try thread.wait()
        }
    }

    @Test
    func `is a key of sets`() throws {
        try withHubs { hubs throws in
            let (first, second) = (hubs[0].spawn { 1 }, hubs[0].spawn { 1 })
            let copy = first
            #expect(first == copy)
            #expect(Set([first, second, copy]).count == 2)
            try first.wait()
            try second.wait()
        }
    }

    @Test
    func `destroys its function and its result once`() throws {
        let (functions, results) = (Count(), Count())
        try withHubs { hubs throws in
            for _ in 0..<100 {
                let guest = Guest(functions)
                let thread = hubs[0].spawn { () -> Guest in
                    withExtendedLifetime(guest) {}
                    return Guest(results)
                }
                #expect(try thread.wait().number == 0)
            }
            for _ in 0..<100 {
                hubs[0].spawn { Guest(results) }
            }
            let last = hubs[0].spawn {}
            try last.wait()
            try until { (functions.value, results.value) == (100, 200) }
        }
        #expect((functions.value, results.value) == (100, 200))
    }
}
