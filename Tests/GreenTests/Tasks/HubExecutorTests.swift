import Green
import Synchronization
import Testing

/// Blocks in synchronous code, and returns whether the Task saw its own name and task-local all the time.
private func blocksAsItself(rounds: Int, id: Int) throws -> Bool {
    var isItself = true
    for round in 0..<rounds {
        if round % 100 == 99 {
            try GreenThread.sleep(for: .microseconds(1))
        } else {
            try GreenThread.yield()
        }
        isItself = isItself && Task.name == "task \(id)" && Request.id == id
    }
    return isItself
}

private func yield() throws {
    try GreenThread.yield()
}

private func isOn(_ hub: Hub) throws -> Bool {
    try Hub.current == hub
}

@Suite("Tasks on a hub")
struct HubExecutorTests {
    @Test
    func `block in synchronous code, each with its own name and task-locals at each step`() throws {
        try withHubs(1) { hubs throws in
            for hub in [try Hub.current, hubs[0]] {
                let results = Channel<Bool>()
                for id in 1...50 {
                    Request.$id.withValue(id) {
                        _ = Task(name: "task \(id)", executorPreference: hub) {
                            var isItself = true
                            for _ in 0..<10 {
                                isItself = try blocksAsItself(rounds: 100, id: id) && isItself
                                await Task.yield()
                                isItself = isItself && Task.name == "task \(id)" && Request.id == id
                            }
                            try send(isItself, to: results)
                        }
                    }
                }
                for _ in 0..<50 {
                    #expect(try results.receive())
                }
                #expect(Request.id == 0)
            }
        }
    }

    @Test
    func `run there in each part, and so do child tasks, groups and async let`() throws {
        try withHubs { hubs throws in
            let hub = hubs[0]
            let places = try outcome(on: hub) {
                async let first = isOnAfterYield(hub)
                async let second = isOnAfterYield(hub)
                let inGroup = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 {
                        group.addTask { try await isOnAfterYield(hub) }
                    }
                    return try await group.allSatisfy { $0 }
                }
                return [try await first, try await second, inGroup, try await isOnAfterYield(hub)]
            }
            #expect(places == [true, true, true, true])
        }
    }

    @Test
    func `with a preference for one scope run elsewhere before and after it`() throws {
        try withHubs(2) { hubs throws in
            let places = try outcome(on: hubs[0]) {
                let before = try isOn(hubs[0])
                let within = try await withTaskExecutorPreference(hubs[1]) {
                    try yield()
                    await Task.yield()
                    return try isOn(hubs[1])
                }
                return [before, within, try isOn(hubs[0])]
            }
            #expect(places == [true, true, true])
        }
    }

    @Test
    func `do not pass their preference on to unstructured Tasks`() async throws {
        let places = try await onThreadHub {
            let hub = try Hub.current
            return try outcome(on: hub) {
                let inherited = try await Task { try isOn(hub) }.value
                return [inherited, try await Task(executorPreference: hub) { try isOn(hub) }.value]
            }
        }
        #expect(places == [false, true])
    }

    @Test
    func `sleep, and continue after continuations that other OS threads resume`() async throws {
        let places = try await onThreadHub {
            let hub = try Hub.current
            return try outcome(on: hub) {
                var places: [Bool] = []
                for _ in 0..<10 {
                    try await Task.sleep(for: .microseconds(10))
                    places.append(try isOn(hub))
                    try yield()
                    let number = await withCheckedContinuation { continuation in
                        OSThread { continuation.resume(returning: 7) }.detach()
                    }
                    places.append(try isOn(hub) && number == 7)
                    try yield()
                }
                return places
            }
        }
        #expect(places == [Bool](repeating: true, count: 20))
    }

    @Test
    func `pass elements through an AsyncStream, also from code that blocks`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let sum = try outcome(on: hub) {
                let stream = AsyncStream<Int> { continuation in
                    Task(executorPreference: hub) {
                        for number in 1...100 {
                            continuation.yield(number)
                            try yield()
                        }
                        continuation.finish()
                    }
                }
                var sum = 0
                for await number in stream {
                    sum += number
                    try yield()
                }
                return sum
            }
            #expect(sum == 5050)
        }
    }

    @Test
    func `that block keep other Tasks out of an actor, also of another hub`() throws {
        try withHubs(2) { hubs throws in
            let counter = Counter()
            let done = Channel<Void>()
            for task in 0..<20 {
                Task(executorPreference: hubs[task % 2]) {
                    for _ in 0..<50 {
                        try await counter.increment()
                    }
                    try send((), to: done)
                }
            }
            for _ in 0..<20 {
                try done.receive()
            }
            let found = try outcome(on: hubs[0]) { await [counter.count, counter.overlaps] }
            #expect(found == [1000, 0], "increments, those at the same time")
        }
    }

    @Test
    func `run the code of an actor that no other Task uses on their hub`() throws {
        try withHubs(2) { hubs throws in
            let actor = Anywhere()
            for hub in hubs {
                #expect(try outcome(on: hub) { try await actor.isOnAfterYield(hub) })
            }
        }
    }

    @Test
    func `find their task-locals in green threads that they spawn`() throws {
        try onHub { () throws in
            let id = try outcome(on: try Hub.current) {
                try await Request.$id.withValue(8) {
                    await Task.yield()
                    return try idInSpawned()
                }
            }
            #expect(id == 8)
        }
    }

    @Test
    func `enter an actor while another Task of it awaits`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let gate = AsyncGate()
            let waiter = Channel<Int>(capacity: 1)
            Task(executorPreference: hub) { try send(try await gate.pass(), to: waiter) }
            #expect(try outcome(on: hub) { try await gate.open() } == 1)
            #expect(try waiter.receive() == 2)
        }
    }

    @Test
    func `see their cancellation in code that blocks, which it does not end`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let (begun, end) = (Event<Void>(), Event<Void>())
            nonisolated(unsafe) let events = (begun, end)
            let result = Promise<Bool>()
            let task = Task(executorPreference: hub) {
                let wasCancelled = Task.isCancelled
                unsafe try sendAndWait(events.0, events.1)
                try result.send(!wasCancelled && Task.isCancelled)
            }
            try begun.wait()
            task.cancel()
            try settle()
            #expect(!result.isSent)
            try end.send(())
            #expect(try result.wait())
        }
    }

    @Test
    func `that are cancelled before they begin run as cancelled ones`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let result = Promise<Bool>()
            Task(executorPreference: hub) {
                try yield()
                try result.send(Task.isCancelled)
            }.cancel()
            #expect(try result.wait())
        }
    }

    @Test
    func `may use timeouts in code that blocks`() throws {
        try onHub { () throws in
            let result = try outcome(on: try Hub.current) { try expires() }
            #expect(result)
        }
    }

    @Test
    func `that are immediate begin in the green thread that creates them`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let result = Promise<[Bool]>()
            let creator = spawn(name: "creator") {
                Request.$id.withValue(3) {
                    _ = Task.immediate(executorPreference: hub) {
                        let before = isNamed("creator") && Request.id == 3
                        try yield()
                        await Task.yield()
                        try yield()
                        try result.send([before, try isOn(hub) && Request.id == 3])
                    }
                }
            }
            try creator.wait()
            #expect(try result.wait() == [true, true])
        }
    }

    @Test
    func `find nothing of other Tasks in green-thread-local storage`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let local = GreenLocal<Int>()
            let found = Channel<Int?>()
            for number in 0..<20 {
                Task(executorPreference: hub) {
                    try send(exchange(local, number), to: found)
                }
            }
            for _ in 0..<20 {
                #expect(try found.receive() == nil)
            }
        }
    }

    @Test
    func `recurse through actors and blocking code`() throws {
        try onHub { () throws in
            let depth = try outcome(on: try Hub.current) { try await descend(10) }
            #expect(depth == 10)
        }
    }

    @Test
    func `do not keep timers and other threads of the hub from running if they never stop`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let task = Task(executorPreference: hub) {
                while !Task.isCancelled {
                    await Task.yield()
                }
            }
            for _ in 0..<100 {
                try GreenThread.sleep(for: .microseconds(1))
            }
            task.cancel()
        }
    }
}

/// Counts in steps between which its caller blocks.
private actor Counter {
    private(set) var count = 0
    private(set) var overlaps = 0
    private var isInside = false

    func increment() throws {
        overlaps += isInside ? 1 : 0
        isInside = true
        let before = count
        try yield()
        count = before + 1
        isInside = false
    }
}

private actor Anywhere {
    func isOnAfterYield(_ hub: Hub) throws -> Bool {
        try yield()
        return try isOn(hub)
    }
}

private actor AsyncGate {
    private var waiter: CheckedContinuation<Void, Never>?
    private var steps = 0

    func pass() async throws -> Int {
        await withCheckedContinuation { waiter = $0 }
        try yield()
        steps += 1
        return steps
    }

    func open() async throws -> Int {
        while waiter == nil {
            await Task.yield()
        }
        try yield()
        waiter?.resume()
        steps += 1
        return steps
    }
}

private actor Stair {
    func step(_ depth: Int) async throws -> Int {
        try yield()
        return try await descend(depth - 1)
    }
}

private func descend(_ depth: Int) async throws -> Int {
    guard depth > 0 else { return 0 }
    try yield()
    return try await Stair().step(depth) + 1
}

private func isOnAfterYield(_ hub: Hub) async throws -> Bool {
    try yield()
    await Task.yield()
    try yield()
    return try isOn(hub)
}

private func exchange(_ local: GreenLocal<Int>, _ number: Int) -> Int? {
    defer { local.value = number }
    return local.value
}

private func idInSpawned() throws -> Int {
    try spawn {
        try yield()
        return Request.id
    }.wait()
}

private func isNamed(_ name: String) -> Bool {
    GreenThread.current.name == name
}

private func sendAndWait(_ first: Event<Void>, _ second: Event<Void>) throws {
    try first.send(())
    try second.wait()
}

private func expires() throws -> Bool {
    do {
        try withTimeout(.milliseconds(1)) { try GreenThread.sleep(for: .seconds(3600)) }
        return false
    } catch is Timeout {
        return true
    }
}

private func send<Element>(_ element: sending Element, to channel: Channel<Element>) throws {
    try channel.send(element)
}

/// Runs the body in a Task on the hub, and waits for its result.
func outcome<Value: Sendable>(
    on hub: Hub,
    _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
    let promise = Promise<Value>()
    Task(executorPreference: hub) {
        do {
            try promise.send(try await body())
        } catch {
            try promise.send(throwing: error)
        }
    }
    return try promise.wait()
}
