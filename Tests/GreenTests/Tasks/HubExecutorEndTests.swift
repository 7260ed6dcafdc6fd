import Glibc
import Green
import Testing

private func yield() throws {
    try GreenThread.yield()
}

/// Whether the caller runs on one of the OS threads of the pool.
private func isOn(_ hub: Hub) -> Bool {
    (try? Hub.current) == hub
}

/// Blocks until it is killed. Returns whether it was.
private func waitForKill(_ begun: Channel<Void>) throws -> Bool {
    try begun.send(())
    do {
        try GreenThread.sleep(for: .seconds(3600))
        return false
    } catch is GreenExit {
        return true
    }
}

private func receive<Element>(_ channel: Channel<Element>) throws -> Element {
    try channel.receive()
}

@Suite("The end of a hub with Tasks")
struct HubExecutorEndTests {
    @Test
    func `lets a Task that outlives it complete elsewhere`() async throws {
        let places = try await onThreadHub {
            let (pool, gate) = (try HubPool(count: 1), AsyncStream<Void>.makeStream())
            let hub = pool.hubs[0]
            let (begun, result) = (Channel<Void>(capacity: 1), Promise<[Bool]>())
            Task(executorPreference: hub) {
                let before = isOn(hub)
                try await begin(begun)
                for await _ in gate.stream {}
                let after = isOn(hub)
                await Task.yield()
                try result.send([before, after, isOn(hub)])
            }
            try begun.receive()
            try pool.close()
            gate.continuation.finish()
            return try result.wait()
        }
        #expect(places == [true, false, false])
    }

    @Test
    func `completes Tasks that are created after it`() async throws {
        let places = try await onThreadHub {
            let pool = try HubPool(count: 1)
            let hub = pool.hubs[0]
            try pool.close()
            return try outcome(on: hub) {
                async let child = isOn(hub)
                return [isOn(hub), await child]
            }
        }
        #expect(places == [false, false])
    }

    @Test
    func `by a pool that kills throws GreenExit in code that blocks, and the Task continues`() async throws {
        let (killed, outcomes) = try await onThreadHub {
            let pool = try HubPool(count: 1)
            let hub = pool.hubs[0]
            let begun = Channel<Void>(capacity: 10)
            let results = Channel<[Bool]>(capacity: 10)
            for _ in 0..<10 {
                Task(executorPreference: hub) {
                    let wasKilled = try waitForKill(begun)
                    let stayed = isOn(hub)
                    await Task.yield()
                    _ = try results.trySend([wasKilled, stayed, isOn(hub)])
                }
            }
            for _ in 0..<10 {
                try begun.receive()
            }
            let killed = try pool.close(drainingFor: .zero)
            return (killed, try (0..<10).map { _ in try results.receive() })
        }
        #expect(killed == 10)
        #expect(outcomes == [[Bool]](repeating: [true, true, false], count: 10))
    }

    @Test
    func `by a pool without a limit waits for the jobs that run`() throws {
        try onHub { () throws in
            let pool = try HubPool(count: 2)
            let results = Channel<Bool>()
            for hub in pool.hubs {
                for _ in 0..<10 {
                    Task(executorPreference: hub) {
                        try yield()
                        _ = try results.trySend(isOn(hub))
                    }
                }
            }
            try pool.close()
            for _ in 0..<20 {
                #expect(try results.receive())
            }
        }
    }

    @Test
    func `runs the jobs elsewhere that have not begun when its OS thread ends`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let results = Promise<Bool>()
                onAnotherThread {
                    guard let hub = try? Hub.current else { return }
                    // Makes the hub one that is in use.
                    detach { try GreenThread.sleep(for: .seconds(3600)) }
                    try? yield()
                    Task(executorPreference: hub) { try results.send(isOn(hub)) }
                }
                let isOnHub = try results.wait()
                precondition(!isOnHub)
            }
        }
        #expect(reports(of: child).count == 1)
    }

    @Test
    func `fails while a job runs, waits or is ready, and not because one has run`() throws {
        var codes: [Errno?] = []
        onAnotherThread {
            guard let hub = try? Hub.current else { return }
            let gate = Channel<Void>(capacity: 1)
            Task(executorPreference: hub) { _ = try receive(gate) }
            Task(executorPreference: hub) {}
            codes.append(failure { try Hub.close() }?.code)
            try? settle()
            codes.append(failure { try Hub.close() }?.code)
            try? gate.send(())
            try? settle()
            codes.append(failure { try Hub.close() }?.code)
        }
        #expect(codes == [.resourceBusy, .resourceBusy, nil])
    }

    @Test
    func `comes after that of a Task, which keeps its reference`() throws {
        try onHub { () throws in
            let (pool, result) = (try HubPool(count: 1), Promise<Bool>())
            do {
                let hub = pool.next()
                Task(executorPreference: hub) {
                    for _ in 0..<100 {
                        try yield()
                        await Task.yield()
                    }
                    try result.send(true)
                }
            }
            #expect(try result.wait())
            try pool.close()
        }
    }

    @Test
    func `and a fork leave the Tasks of the parent as they are`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let result = Promise<Int32>()
            Task(executorPreference: hub) {
                try yield()
                try result.send(getpid())
            }
            let child = fork()
            if child == 0 {
                try? yield()
                _exit(result.isSent ? 1 : 0)
            }
            var status: Int32 = -1
            precondition(unsafe waitpid(child, &status, 0) == child)
            #expect(status == 0)
            #expect(try result.wait() == getpid())
        }
    }
}

@Suite("A Task on a hub without the state of Swift's runtime")
struct UnknownTaskStateTests {
    @Test
    func `runs, and its blocking calls are errors that say why`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                unsafe setenv("GREEN_DISABLE", "task_state", 1)
                let hub = try Hub.current
                let message = try outcome(on: hub) {
                    let error = failure(of: yield)
                    await Task.yield()
                    precondition(isOn(hub))
                    precondition(error?.code == .wouldBlock)
                    return error?.message ?? ""
                }
                precondition(message.contains("task_state"), message)
                try spawn { try yield() }.wait()
            }
        }
        #expect(reports(of: child).isEmpty)
    }
}

private func begin(_ begun: Channel<Void>) async throws {
    _ = try begun.trySend(())
}
