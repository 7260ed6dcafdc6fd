import Glibc
import Green
import Testing

/// Runs the body in a Task of each kind: one of Swift's own, and one on a hub, which is passed. Then ends the hubs.
private func inEachTask(_ body: @escaping @Sendable (Hub) async throws -> Void) async throws {
    let pool = try await makePool()
    let hub = pool[0]
    try await body(hub)
    try await Task(executorPreference: hub) { try await body(hub) }.value
    // Not on a hub of the pool.
    try await close(pool)
}

private func makePool(_ count: Int = 1) async throws -> HubPool {
    try await withGreenThread { try HubPool(count: count) }
}

private func close(_ pool: HubPool) async throws {
    _ = try await withGreenThread { try pool.close(drainingFor: .zero) }
}

@Suite("Running green code from an async function")
struct HubRunTests {
    @Test
    func `returns the result, and throws the error of the function`() async throws {
        try await inEachTask { hub in
            let number = try await hub.run {
                try GreenThread.yield()
                return 7
            }
            #expect(number == 7)
            await #expect(throws: Mistake(number: 2)) { try await hub.run { throw Mistake(number: 2) } }
            await #expect(throws: GreenExit.self) { try await hub.run { throw GreenExit() } }
        }
    }

    @Test
    func `runs on the hub, with the name and the stack size`() async throws {
        try await inEachTask { hub in
            let seen = try await hub.run(name: "work", stackSize: 128 * 1024) {
                (try Hub.current, GreenThread.current.name)
            }
            #expect(seen == (hub, "work"))
        }
    }

    @Test
    func `passes values that are not Sendable in and out`() async throws {
        try await inEachTask { hub in
            let basket = Basket([1])
            let filled = try await hub.run {
                basket.items.append(2)
                return Basket(basket.items)
            }
            filled.items.append(3)
            #expect(filled.items == [1, 2, 3])
        }
    }

    @Test
    func `has the task-locals of the Task`() async throws {
        try await inEachTask { hub in
            let seen = try await Request.$id.withValue(3) {
                try await hub.run {
                    let first = Request.id
                    try GreenThread.yield()
                    return (first, Request.id, try Request.$id.withValue(4) { try spawn { Request.id }.wait() })
                }
            }
            #expect(seen == (3, 3, 4))
            #expect(try await hub.run { Request.id } == 0)
        }
    }

    @Test
    func `throws a CancellationError if the Task was cancelled before, and the function never runs`() async throws {
        try await inEachTask { hub in
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                try await hub.run { Issue.record("it must not run") }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test
    func `throws a CancellationError if the Task is cancelled before the function begins`() async throws {
        let pool = try await makePool()
        let hub = pool[0]
        let (entered, gate) = (Gate(), Gate())
        // It blocks the OS thread of the hub, so that nothing begins there.
        let holder = hub.spawn {
            entered.open()
            gate.pass()
        }
        let task = Task(executorPreference: threadForEachJob) {
            entered.pass()
            try await hub.run { Issue.record("it must not run") }
        }
        task.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        _ = holder
        try await close(pool)
    }

    @Test
    func `interrupts the function when the Task is cancelled`() async throws {
        try await inEachTask { hub in
            let begun = Channel<Void>(capacity: 1)
            let task = Task {
                try await hub.run {
                    try begun.send(())
                    try GreenThread.sleep(for: .seconds(3600))
                }
            }
            try await withGreenThread { try begun.receive() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test
    func `waits for a function that catches its interrupt, and returns its result`() async throws {
        try await inEachTask { hub in
            let (begun, release) = (Channel<Void>(capacity: 1), Channel<Void>(capacity: 1))
            let task = Task {
                try await hub.run {
                    try begun.send(())
                    do {
                        try GreenThread.sleep(for: .seconds(3600))
                    } catch {
                        #expect(error is CancellationError)
                    }
                    try release.receive()
                    return 5
                }
            }
            try await withGreenThread { try begun.receive() }
            task.cancel()
            try await withGreenThread { try release.send(()) }
            #expect(try await task.value == 5)
        }
    }

    @Test
    func `has no effect on a function that does not block when the Task is cancelled`() async throws {
        try await inEachTask { hub in
            let (begun, gate) = (Gate(), Gate())
            let task = Task(executorPreference: threadForEachJob) {
                try await hub.run {
                    begun.open()
                    gate.pass()
                    return 6
                }
            }
            OSThread {
                begun.pass()
                task.cancel()
                gate.open()
            }.detach()
            let value = try await task.value
            #expect(value == 6)
        }
    }

    @Test
    func `fails on a hub that has ended`() async throws {
        let pool = try await makePool()
        let hub = pool[0]
        try await close(pool)
        let gone = Count()
        let guest = Guest(gone)
        let error = await systemError { try await hub.run { guest.number } }
        #expect(error?.code == .noSuchProcess)
        #expect(error?.message.contains("hub") == true, "\(String(describing: error))")
        await #expect(throws: SystemError.self) { try await pool.run {} }
    }

    @Test
    func `fails if the hub ends before the function`() async throws {
        let (hubs, stop) = (Channel<Hub>(), Channel<Void>())
        let thread = OSThread {
            if let hub = try? Hub.current {
                try? hubs.send(hub)
                try? stop.receive()
            }
        }
        let hub = try await withGreenThread { try hubs.receive() }
        let begun = Channel<Void>(capacity: 1)
        let task = Task {
            try await hub.run {
                try begun.send(())
                try GreenThread.sleep(for: .seconds(3600))
            }
        }
        try await withGreenThread {
            try begun.receive()
            try stop.send(())
        }
        let error = await systemError { try await task.value }
        #expect(error?.code == .noSuchProcess)
        thread.join()
    }

    @Test
    func `is killed by a close of the pool`() async throws {
        let pool = try await makePool()
        let begun = Channel<Void>(capacity: 1)
        let task = Task {
            try await pool.run {
                try begun.send(())
                try GreenThread.sleep(for: .seconds(3600))
            }
        }
        try await withGreenThread { try begun.receive() }
        try await close(pool)
        await #expect(throws: GreenExit.self) { try await task.value }
    }

    @Test
    func `crosses no OS thread from a Task on the hub`() async throws {
        let pool = try await makePool()
        let hub = pool[0]
        try await Task(executorPreference: hub) {
            let before = try await hub.run { pthread_self() }
            #expect(before == pthread_self())
            let nested = try await withGreenThread { pthread_self() }
            #expect(nested == pthread_self())
        }.value
        try await close(pool)
    }

    @Test
    func `uses the shared pool from a Task that runs on no hub`() async throws {
        let shared = try HubPool.shared
        #expect(try HubPool.shared === shared)
        let hub = try await Task(executorPreference: globalConcurrentExecutor) {
            try await withGreenThread { try Hub.current }
        }.value
        #expect(shared.contains(hub))
    }

    @Test
    func `of 10 000 Tasks at once return each its own result`() async throws {
        try await inEachTask { hub in
            let count = isAddressSanitized ? 1000 : 10_000
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<count {
                    group.addTask {
                        try await hub.run(stackSize: 64 * 1024) {
                            try GreenThread.sleep(for: .milliseconds(10))
                            return number
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == count * (count - 1) / 2)
        }
    }

    @Test
    func `ends once, whenever the Task is cancelled`() async throws {
        let pool = try await makePool(2)
        let rounds = isAddressSanitized ? 200 : 2000
        for round in 0..<rounds {
            let hub = pool[round % 2]
            let task = Task {
                try await hub.run {
                    for _ in 0..<round % 7 {
                        try GreenThread.yield()
                    }
                    return round
                }
            }
            for _ in 0..<round % 5 {
                await Task.yield()
            }
            task.cancel()
            switch await task.result {
            case .success(let value): #expect(value == round)
            case .failure(let error): #expect(error is CancellationError)
            }
        }
        try await close(pool)
    }
}

@Suite("The shared pool", .serialized)
struct SharedPoolTests {
    @Test
    func `can be replaced in a program`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = try HubPool(count: 1, name: "mine")
                HubPool.setShared(pool)
                let name = try awaiting(on: globalConcurrentExecutor) {
                    try await withGreenThread { try Hub.current.name }
                }
                try require(name == "mine-0")
                HubPool.setShared(nil)
                let other = try awaiting(on: globalConcurrentExecutor) {
                    try await withGreenThread { try Hub.current.name }
                }
                try require(other.hasPrefix("green-"))
                try pool.close()
            }
        }
        _ = child
    }
}

private func require(_ condition: Bool) throws {
    if !condition {
        throw Mistake(number: 0)
    }
}

/// The system error of an `async` function that must fail with one.
private func systemError<Value>(of body: () async throws -> Value) async -> SystemError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? SystemError
    }
}
