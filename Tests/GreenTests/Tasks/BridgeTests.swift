import Green
import Testing

private enum Level {
    @TaskLocal static var number = 0
}

/// Goes down by an async function, which calls green code, which calls an async function, and so on. Each level binds
/// its number. Returns what each level saw after the levels below it had returned.
private func descendInGreenCode(to depth: Int, on hub: Hub?) throws -> [Int] {
    let level = Level.number
    try GreenThread.yield()
    guard level < depth else { return [level] }
    let below = try Level.$number.withValue(level + 1) {
        try awaiting { try await descendInTask(to: depth, on: hub) }
    }
    return below + [Level.number]
}

private func descendInTask(to depth: Int, on hub: Hub?) async throws -> [Int] {
    let level = Level.number
    await Task.yield()
    guard level < depth else { return [level] }
    let below = try await Level.$number.withValue(level + 1) {
        if let hub {
            return try await hub.run { try descendInGreenCode(to: depth, on: hub) }
        }
        return try await withGreenThread { try descendInGreenCode(to: depth, on: nil) }
    }
    return below + [Level.number]
}

@Suite("Green code and async functions that call each other")
struct BridgeTests {
    private let down = Array((0...20).reversed())

    @Test
    func `ten levels deep, each with its task-locals, from a green thread`() throws {
        try onHub { () throws in
            #expect(try descendInGreenCode(to: 20, on: nil) == down)
            let threads = (0..<20).map { _ in spawn { try descendInGreenCode(to: 20, on: nil) } }
            for thread in threads {
                #expect(try thread.wait() == down)
            }
        }
    }

    @Test
    func `ten levels deep, each with its task-locals, from a Task`() async throws {
        #expect(try await descendInTask(to: 20, on: nil) == down)
    }

    @Test
    func `ten levels deep on a hub that is named`() async throws {
        let pool = try await withGreenThread { try HubPool(count: 2) }
        let hub = pool[1]
        #expect(try await descendInTask(to: 20, on: hub) == down)
        let onHub = try await Task(executorPreference: pool[0]) { try await descendInTask(to: 20, on: hub) }.value
        #expect(onHub == down)
        try await withGreenThread { _ = try pool.close() }
    }

    @Test
    func `pass a cancellation down all levels`() async throws {
        let (begun, seen) = (Channel<Void>(capacity: 1), Channel<Bool>(capacity: 1))
        let task = Task {
            try await withGreenThread {
                try awaiting {
                    try await withGreenThread {
                        try awaiting(waitingForEnd: true) {
                            try put((), into: begun)
                            while !Task.isCancelled {
                                await Task.yield()
                            }
                            try put(true, into: seen)
                        }
                    }
                }
            }
        }
        try await withGreenThread { try begun.receive() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await withGreenThread { try seen.receive() })
    }

    @Test
    func `let a Task outlive its hub`() async throws {
        let (begun, release, ended) = (Gate(), Channel<Void>(capacity: 1), Channel<Int>(capacity: 1))
        let thread = OSThread {
            let waiter = spawn {
                try awaiting {
                    begun.open()
                    // It suspends, so that the hub has nothing of it.
                    // The other Task is not cancelled with it.
                    try await Task.detached { try await HubPool.shared.run { try release.receive() } }.value
                    try put(8, into: ended)
                }
            }
            try? GreenThread.yield()
            try? waiter.kill(waitingForEnd: true)
            try? Hub.close()
        }
        begun.pass()
        thread.join()
        try await withGreenThread { try release.send(()) }
        #expect(try await withGreenThread { try ended.receive() } == 8)
    }
}

/// Puts an element into a channel that has room.
private func put<Item: Sendable>(_ item: Item, into channel: Channel<Item>) throws {
    #expect(try channel.trySend(item))
}
