import Dispatch
import Green
import Testing

private struct TypedMistake: Error, Equatable {
    let text: String
}

private func failTyped() async throws(TypedMistake) -> Int {
    await Task.yield()
    throw TypedMistake(text: "typed")
}

private actor Account {
    private(set) var log: [String] = []

    func add(_ entry: String) {
        log.append(entry)
    }

    /// Other Tasks enter the actor at the suspension.
    func addTwice(_ entry: String) async {
        log.append("\(entry) begins")
        await Task.yield()
        add("\(entry) ends")
    }
}

/// Suspends until the Task is cancelled.
private func cancellation() async throws {
    while true {
        try await Task.sleep(for: .seconds(3600))
    }
}

@Suite("Awaiting an async function from a green thread")
struct AwaitingTests {
    @Test
    func `returns an immediate result, and one after suspensions`() async throws {
        try await inGreenThread { () throws in
            #expect(try awaiting { 1 } == 1)
            let result = try awaiting {
                for _ in 0..<10 {
                    await Task.yield()
                }
                try await Task.sleep(for: .microseconds(1))
                return 2
            }
            #expect(result == 2)
            #expect(try spawn { try GreenThread.awaiting { 3 } }.wait() == 3)
        }
    }

    @Test
    func `blocks only the calling green thread`() async throws {
        try await inGreenThread { () throws in
            let gate = Channel<Int>()
            let waiter = spawn {
                try awaiting {
                    await Task.yield()
                    return try take(from: gate)
                }
            }
            try settle()
            #expect(!waiter.isFinished)
            try gate.send(7)
            #expect(try waiter.wait() == 7)
        }
    }

    @Test
    func `throws the errors of the function as they are`() async throws {
        try await inGreenThread { () throws in
            #expect(throws: Mistake(number: 1)) { try awaiting { throw Mistake(number: 1) } }
            #expect(throws: TypedMistake(text: "typed")) { try awaiting { try await failTyped() } }
            #expect(throws: CancellationError.self) { try awaiting { throw CancellationError() } }
        }
    }

    @Test
    func `passes values that are not Sendable in and out`() async throws {
        try await inGreenThread { () throws in
            let basket = Basket([1])
            let filled = try awaiting {
                await Task.yield()
                basket.items.append(2)
                return Basket(basket.items)
            }
            filled.items.append(3)
            #expect(filled.items == [1, 2, 3])
        }
    }

    @Test
    func `runs on the hub of the caller, and begins in the calling green thread`() async throws {
        try await inGreenThread { () throws in
            let caller = GreenThread.current.id
            let ids = try awaiting {
                let first = GreenReport.Origin.current?.threadID
                await Task.yield()
                return (first, GreenReport.Origin.current?.threadID)
            }
            #expect(ids.0 == caller)
            #expect(ids.1 != nil)
            #expect(ids.1 != caller)
        }
    }

    @Test
    func `runs on another executor by argument`() async throws {
        try await inGreenThread { () throws in
            let hubs = try HubPool(count: 1)
            let here = try Hub.current
            let hub = hubs[0]
            let other = try awaiting(on: hub) { GreenReport.Origin.current != nil && hub == hubOfTask() }
            #expect(other)
            let none = try awaiting(on: globalConcurrentExecutor) { hubOfTask() }
            #expect(none != here)
            #expect(none != hub)
            try hubs.close()
        }
    }

    @Test
    func `names the Task and sets its priority`() async throws {
        try await inGreenThread { () throws in
            let seen = try awaiting(name: "fetch", priority: .low) { (Task.name, Task.currentPriority) }
            #expect(seen.0 == "fetch")
            #expect(seen.1 == .low)
        }
    }

    @Test
    func `shows the Task in dumps`() async throws {
        try await inGreenThread { () throws in
            let waiter = spawn { try awaiting(name: "fetch") { try await cancellation() } }
            try settle()
            let (left, right) = try Socket.pair()
            try GreenThread.dumpAll(to: left.fileDescriptor)
            left.close()
            var text = ""
            while let line = try right.readLine() {
                text += line
            }
            #expect(text.contains("waiting for the Task 'fetch'"), "\(text)")
            try waiter.kill(waitingForEnd: true)
        }
    }

    @Test
    func `is interrupted by a kill at once, which cancels the Task`() async throws {
        try await inGreenThread { () throws in
            let (ended, release) = (Channel<Bool>(capacity: 1), Channel<Void>(capacity: 1))
            let waiter = spawn {
                try awaiting(on: threadForEachJob) {
                    while !Task.isCancelled {
                        await Task.yield()
                    }
                    try take(from: release)
                    try put(Task.isCancelled, into: ended)
                }
            }
            try settle()
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            #expect(try ended.tryReceive() == nil)
            try release.send(())
            #expect(try ended.receive())
        }
    }

    @Test
    func `lets no cancellation handler block`() async throws {
        try await inGreenThread {
            let caught = Promise<(any Error)?>()
            let waiter = spawn {
                try awaiting {
                    await withTaskCancellationHandler {
                        try? await Task.sleep(for: .seconds(1000))
                    } onCancel: {
                        let error = #expect(throws: SystemError.self) { try GreenThread.sleep(for: .nanoseconds(1)) }
                        try? caught.send(error)
                    }
                }
            }
            try settle()
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            let error = try caught.wait(timeout: .seconds(60)) as? SystemError
            #expect(error?.code == .wouldBlock)
        }
    }

    @Test
    func `waits for the end of a killed Task if that is requested`() async throws {
        try await inGreenThread { () throws in
            let release = Channel<Void>(capacity: 1)
            let ended = Count()
            let waiter = spawn {
                try awaiting(on: threadForEachJob, waitingForEnd: true) {
                    try take(from: release)
                    ended.add()
                }
            }
            try settle()
            try waiter.kill(throwing: Mistake(number: 3))
            try settle()
            #expect(!waiter.isFinished)
            try waiter.kill()
            try settle()
            #expect(!waiter.isFinished)
            try release.send(())
            #expect(throws: Mistake(number: 3)) { try waiter.wait() }
            #expect(ended.value == 1)
        }
    }

    @Test
    func `is interrupted by a timeout around it`() async throws {
        try await inGreenThread { () throws in
            #expect(throws: (any Error).self) {
                try withTimeout(.milliseconds(1)) { try awaiting { try await cancellation() } }
            }
        }
    }

    @Test
    func `delivers a pending interrupt before the Task begins`() async throws {
        try await inGreenThread { () throws in
            let queue = Queue<Int>()
            let victim = spawn {
                _ = try queue.get()
                try awaiting { Issue.record("it must not begin") }
            }
            try settle()
            try queue.put(1)
            try victim.kill()
            #expect(throws: GreenExit.self) { try victim.wait() }
        }
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func `does not start the Task without any time`(timeout: Duration) async throws {
        try await inGreenThread { () throws in
            let error = failure { try awaiting(timeout: timeout) { Issue.record("it must not begin") } }
            #expect(error?.code == .timedOut)
            #expect(error?.message == "no Task was started, because its timeout is zero (ETIMEDOUT)")
        }
    }

    @Test
    func `expires, and cancels the Task`() async throws {
        try await inGreenThread { () throws in
            let seen = Channel<Bool>(capacity: 1)
            let error = failure {
                try awaiting(name: "slow", timeout: .milliseconds(1)) {
                    defer { try? put(Task.isCancelled, into: seen) }
                    try await cancellation()
                }
            }
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains("the Task 'slow' has not ended within 1 ms") == true, "\(error as Any)")
            #expect(try seen.receive())
        }
    }

    @Test(arguments: [Duration.seconds(3600), .seconds(Int64.max)])
    func `returns before a long timeout`(timeout: Duration) async throws {
        try await inGreenThread { () throws in
            let result = try awaiting(timeout: timeout) {
                await Task.yield()
                return 5
            }
            #expect(result == 5)
        }
    }

    @Test
    func `passes the cancellation of the caller's own Task on`() async throws {
        try await inGreenThread { () throws in
            let before = Channel<Bool>(capacity: 1)
            let cancelled = Task(executorPreference: try Hub.current) {
                while !Task.isCancelled {
                    await Task.yield()
                }
                try put(cancelledInGreenCode(), into: before)
            }
            cancelled.cancel()
            #expect(try before.receive())

            let during = Channel<Bool>(capacity: 1)
            let begun = Channel<Void>(capacity: 1)
            let task = Task(executorPreference: try Hub.current) {
                try? awaitCancellation(begun)
                try put(true, into: during)
            }
            try begun.receive()
            try settle()
            task.cancel()
            #expect(try during.receive())
        }
    }

    @Test
    func `continues while a Task cannot be cancelled`() async throws {
        try await inGreenThread { () throws in
            let release = Channel<Void>()
            let task = Task(executorPreference: try Hub.current) {
                try awaitWithoutCancellation(release)
            }
            try settle()
            task.cancel()
            try settle()
            try release.send(())
            #expect(try awaiting { try await task.value } == 9)
        }
    }

    @Test
    func `enters an actor that other Tasks re-enter`() async throws {
        try await inGreenThread { () throws in
            let account = Account()
            let threads = ["a", "b"].map { entry in spawn { try awaiting { await account.addTwice(entry) } } }
            for thread in threads {
                try thread.wait()
            }
            let log = try awaiting { await account.log }
            #expect(Set(log) == ["a begins", "a ends", "b begins", "b ends"])
            #expect(log.firstIndex(of: "a begins")! < log.firstIndex(of: "a ends")!)
        }
    }

    @Test
    func `has the caller's task-locals, and keeps its own`() async throws {
        try await inGreenThread { () throws in
            let seen = try Request.$id.withValue(4) {
                let inner = try awaiting {
                    let first = Request.id
                    await Task.yield()
                    return await Request.$id.withValue(5) {
                        await Task.yield()
                        return (first, Request.id)
                    }
                }
                return (inner.0, inner.1, Request.id)
            }
            #expect(seen == (4, 5, 4))
            #expect(try awaiting { Request.id } == 0)
        }
    }

    @Test
    func `is refused in a link`() async throws {
        try await inGreenThread { () throws in
            var error: SystemError?
            let thread = spawn {}
            thread.onExit { error = failure { try awaiting { Issue.record("it must not begin") } } }
            try thread.wait()
            #expect(error?.code == .wouldBlock)
        }
    }

    @Test
    func `blocks an OS thread that has no hub, and makes none`() async throws {
        try await inGreenThread { () throws in
            for onQueue in [false, true] {
                let body = { @Sendable in
                    Result {
                        let value = try awaiting {
                            try await Task.sleep(for: .microseconds(1))
                            return 6
                        }
                        let error = failure { try awaiting(timeout: .milliseconds(1)) { try await cancellation() } }
                        return (value, error?.code, GreenReport.Origin.current == nil)
                    }
                }
                nonisolated(unsafe) var result: Result<(Int, Errno?, Bool), any Error>?
                if onQueue {
                    let queue = DispatchQueue(label: "test")
                    queue.async { unsafe result = body() }
                    queue.sync {}
                } else {
                    onAnotherThread { unsafe result = body() }
                }
                let outcome = unsafe result.flatMap { try? $0.get() }
                #expect(outcome?.0 == 6)
                #expect(outcome?.1 == .timedOut)
                #expect(outcome?.2 == true)
            }
        }
    }

    @Test
    func `of 10 000 green threads at once return each its own result`() async throws {
        try await inGreenThread { () throws in
            let count = isAddressSanitized ? 1000 : 10_000
            let threads = (0..<count).map { number in
                spawn(stackSize: 64 * 1024) {
                    try awaiting {
                        try await Task.sleep(for: .milliseconds(10))
                        return number
                    }
                }
            }
            var sum = 0
            for thread in threads {
                sum += try thread.wait()
            }
            #expect(sum == count * (count - 1) / 2)
        }
    }

    @Test
    func `releases what a Task returns after its caller was killed`() async throws {
        try await inGreenThread { () throws in
            let gone = Count()
            let release = Channel<Void>(capacity: 1)
            let waiter = spawn {
                try awaiting(on: threadForEachJob) {
                    try take(from: release)
                    return Guest(gone)
                }
            }
            try settle()
            try waiter.kill()
            _ = try? waiter.wait()
            try release.send(())
            try until { gone.value == 1 }
        }
    }
}

/// The hub that the calling Task runs on.
private func hubOfTask() -> Hub? {
    GreenReport.Origin.current == nil ? nil : try? Hub.current
}

private func cancelledInGreenCode() -> Bool {
    (try? awaiting { Task.isCancelled }) == true
}

private func awaitCancellation(_ begun: Channel<Void>) throws {
    try awaiting {
        try put((), into: begun)
        try await cancellation()
    }
}

private func awaitWithoutCancellation(_ release: Channel<Void>) throws -> Int {
    try awaiting {
        try take(from: release)
        return 9
    }
}

/// Takes an element in a Task, which then blocks its thread.
private func take<Item: Sendable>(from channel: Channel<Item>) throws -> Item {
    try channel.receive()
}

/// Puts an element into a channel that has room.
private func put<Item: Sendable>(_ item: Item, into channel: Channel<Item>) throws {
    #expect(try channel.trySend(item))
}
