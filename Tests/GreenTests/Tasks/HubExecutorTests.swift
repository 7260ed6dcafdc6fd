import Green
import Synchronization
import Testing

private enum Request {
    @TaskLocal static var id = 0
}

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

/// Runs the body in a Task on the hub, and waits for it in a green thread or an OS thread.
private func wait<Value: Sendable>(
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

@Suite("Tasks on a hub")
struct HubExecutorTests {
    @Test
    func `block in synchronous code, each with its own name and task-locals`() throws {
        try onHub { () throws in
            let hub = try Hub.current
            let results = Channel<Bool>(capacity: 50)
            for id in 1...50 {
                Request.$id.withValue(id) {
                    _ = Task(name: "task \(id)", executorPreference: hub) {
                        var isItself = true
                        for _ in 0..<10 {
                            isItself = try blocksAsItself(rounds: 100, id: id) && isItself
                            await Task.yield()
                        }
                        try send(isItself, to: results)
                    }
                }
            }
            for _ in 0..<50 {
                #expect(try results.receive())
            }
        }
    }
}

private func send<Element>(_ element: sending Element, to channel: Channel<Element>) throws {
    try channel.send(element)
}
