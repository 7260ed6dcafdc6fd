import Glibc
import Green
import Testing

/// Durations of zero or less, and above the maximum of the core.
private let noTime: [Duration] = [.zero, .nanoseconds(-1), .seconds(Int64.min), .seconds(Int64.min) * 10]
private let allTime: [Duration] = [.nanoseconds(Int64.max), .seconds(Int64.max), .seconds(Int64.max) * 10]

/// A call with a timeout that can succeed at once, or never can.
private struct Timed {
    let name: String
    let call: (Duration?) throws -> Void

    init<Result>(_ name: String, _ call: @escaping (Duration?) throws -> Result) {
        self.name = name
        self.call = { _ = try call($0) }
    }
}

/// Each call succeeds with any timeout.
private func checkReady(_ calls: [Timed], alsoWithoutTime: Bool = true) {
    for timed in calls {
        for timeout in (alsoWithoutTime ? noTime : []) + allTime {
            #expect(throws: Never.self, "\(timed.name), \(timeout)") { try timed.call(timeout) }
        }
        #expect(throws: Never.self, "\(timed.name)") { try timed.call(nil) }
    }
}

/// With a timeout of zero or less, each call fails at once; with a huge one, it waits until it is killed.
private func checkNever(_ calls: [Timed]) throws {
    for timed in calls {
        for timeout in noTime {
            #expect(failure { try timed.call(timeout) }?.code == .timedOut, "\(timed.name), \(timeout)")
        }
        for timeout in allTime {
            let waiter = spawn { try timed.call(timeout) }
            try GreenThread.sleep(for: .milliseconds(1))
            try settle()
            #expect(!waiter.isFinished, "\(timed.name), \(timeout)")
            try waiter.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self, "\(timed.name), \(timeout)") { try waiter.wait() }
        }
    }
}

private func useOffloadPool(idle: Duration) throws {
    let result = try OffloadPool(idle: idle).run { 1 }
    #expect(result == 1)
}

private func useResourcePool(time: Duration) throws {
    let pool = try ResourcePool(maximumIdle: time, maximumAge: time) { Ledger() }
    try pool.withItem { _ in }
}

@Suite("A duration of zero or less does not wait, and a huge one means no limit,", .serialized)
struct DurationTests {
    @Test
    func `for threads and pools`() throws {
        try onHub { () throws in
            let finished = spawn { 1 }
            try finished.wait()
            let endless = spawn { try GreenThread.sleep(for: .seconds(Int64.max)) }
            let (roomy, full) = (GreenPool(size: 10), GreenPool(size: 1))
            let occupant = try full.spawn { try GreenThread.sleep(for: .seconds(Int64.max) * 10) }
            let pile = GreenPile<Void>(full)
            let map = full.map([1]) { $0 }
            checkReady([
                Timed("wait") { try finished.wait(timeout: $0) },
                Timed("wait(any:)") { try GreenThread.wait(any: [finished], timeout: $0) },
                Timed("wait(all:)") { try GreenThread.wait(all: [finished, finished], timeout: $0) },
                Timed("GreenGroup.next") { try GreenGroup([finished]).next(timeout: $0) },
                Timed("GreenPool.spawn") { try roomy.spawn(timeout: $0) {}.wait() },
                Timed("GreenPool.waitAll") { try roomy.waitAll(timeout: $0) },
                Timed("GreenPile.next of none") { try GreenPile<Int>(roomy).next(timeout: $0) },
            ])
            try checkNever([
                Timed("wait") { try endless.wait(timeout: $0) },
                Timed("wait(any:)") { try GreenThread.wait(any: [endless], timeout: $0) },
                Timed("wait(all:)") { try GreenThread.wait(all: [endless, occupant], timeout: $0) },
                Timed("GreenGroup.next") { try GreenGroup([endless]).next(timeout: $0) },
                Timed("GreenPool.spawn") { try full.spawn(timeout: $0) {} },
                Timed("GreenPool.detach") { try full.detach(timeout: $0) {} },
                Timed("GreenPool.waitAll") { try full.waitAll(timeout: $0) },
                Timed("GreenPile.spawn") { try pile.spawn(timeout: $0) {} },
                Timed("GreenMap.next") { try map.next(timeout: $0) },
            ])
            try occupant.kill(waitingForEnd: true)
            try endless.kill(waitingForEnd: true)
            try full.waitAll()
        }
    }

    @Test
    func `for events, queues, semaphores and locks`() throws {
        try onHub { () throws in
            let (sent, unsent) = (Event<Int>(), Event<Int>())
            try sent.send(1)
            let (queue, rendezvous) = (Queue<Int>(capacity: 10), Queue<Int>(capacity: 0))
            let (semaphore, none) = (Semaphore(permits: 1), Semaphore(permits: 0))
            let capped = CappedSemaphore(permits: 0, limit: 0)
            let (mutex, lock) = (GreenMutex(1), GreenReadWriteLock(1))
            let (idle, used) = (try ResourcePool(maximum: 1) { 1 }, try ResourcePool(maximum: 0) { 1 })
            let graph = DAGPool(preload: ["a": 1])
            checkReady([
                Timed("Event.wait") { try sent.wait(timeout: $0) },
                Timed("Queue.put and get") {
                    try queue.put(1, timeout: $0)
                    return try queue.get(timeout: $0)
                },
                Timed("Queue.join") { try rendezvous.join(timeout: $0) },
                Timed("Semaphore.withPermit") { try semaphore.withPermit(timeout: $0) {} },
                Timed("GreenMutex.withLock") { try mutex.withLock(timeout: $0) { _ in } },
                Timed("GreenMutex.withLock(when:)") { try mutex.withLock(when: { $0 == 1 }, timeout: $0) { _ in } },
                Timed("GreenReadWriteLock.withReadLock") { try lock.withReadLock(timeout: $0) { _ in } },
                Timed("GreenReadWriteLock.withWriteLock") { try lock.withWriteLock(timeout: $0) { _ in } },
                Timed("ResourcePool.withItem") { try idle.withItem(timeout: $0) { _ in } },
                Timed("DAGPool.value") { try graph.value(for: "a", timeout: $0) },
            ])
            try checkNever([
                Timed("Event.wait") { try unsent.wait(timeout: $0) },
                Timed("Queue.put") { try rendezvous.put(1, timeout: $0) },
                Timed("Queue.get") { try rendezvous.get(timeout: $0) },
                Timed("Semaphore.acquire") { try none.acquire(timeout: $0) },
                Timed("CappedSemaphore.release") { try capped.release(timeout: $0) },
                Timed("GreenMutex.withLock(when:)") { try mutex.withLock(when: { $0 == 2 }, timeout: $0) { _ in } },
                Timed("ResourcePool.get") { try used.get(timeout: $0) },
                Timed("DAGPool.value") { try graph.value(for: "b", timeout: $0) },
            ])
        }
    }

    @Test
    func `for channels and promises`() throws {
        try onHub { () throws in
            let (sent, unsent) = (Promise<Int>(), Promise<Int>())
            try sent.send(1)
            let (channel, none) = (Channel<Int>(), Channel<Int>(capacity: 0))
            checkReady([
                Timed("Promise.wait") { try sent.wait(timeout: $0) },
                Timed("withPromise") { try withPromise(of: Int.self, timeout: $0) { try $0.send(1) } },
                Timed("Channel.send and receive") {
                    try channel.send(1, timeout: $0)
                    return try channel.receive(timeout: $0)
                },
            ])
            try checkNever([
                Timed("Promise.wait") { try unsent.wait(timeout: $0) },
                Timed("Channel.send") { try none.send(1, timeout: $0) },
                Timed("Channel.receive") { try none.receive(timeout: $0) },
                Timed("Channel.next") { try none.next(timeout: $0) },
            ])
        }
    }

    @Test
    func `for threads of another hub`() throws {
        try withHubs { hubs throws in
            let finished = hubs[0].spawn { 1 }
            try finished.wait()
            let endless = hubs[0].spawn { try GreenThread.sleep(for: .seconds(Int64.max)) }
            checkReady([
                Timed("RemoteThread.wait") { try finished.wait(timeout: $0) },
                Timed("Hub.spawn") { try hubs[0].spawn(after: $0.map { min($0, .zero) }) {}.wait() },
            ])
            try checkNever([Timed("RemoteThread.wait") { try endless.wait(timeout: $0) }])
            try endless.kill()
            #expect(throws: GreenExit.self) { try endless.wait() }
        }
    }

    @Test
    func `for sockets, files, processes and signals`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            defer {
                near.close()
                far.close()
            }
            let (output, input) = try greenPipe()
            let listener = try listen(on: .loopback())
            defer { listener.close() }
            let address = try listener.address
            let sleeper = try GreenProcess("sleep", arguments: ["3600"])
            let signals = try Signals([.user1])
            try checkNever([
                Timed("Socket.read") {
                    near.readTimeout = $0
                    return try near.read(upTo: 1)
                },
                Timed("GreenFile.read") {
                    output.timeout = $0
                    return try output.read(upTo: 1)
                },
                Timed("GreenProcess.wait") { try sleeper.wait(timeout: $0) },
                Timed("Signals.next") { try signals.next(timeout: $0) },
            ])
            checkReady([
                Timed("Socket.write") {
                    near.writeTimeout = $0
                    try near.write("x")
                },
                Timed("GreenFile.write") {
                    input.timeout = $0
                    try input.write("x")
                },
                Timed("resolve") { try SocketAddress.resolve("127.0.0.1:1", timeout: $0) },
            ])
            checkReady(
                [
                    Timed("connect") { try connect(to: address, timeout: $0).close() },
                    Timed("offload") { try offload(timeout: $0) { 1 } },
                    Timed("status(of:)") { try GreenFile.status(of: "/", timeout: $0) },
                ],
                alsoWithoutTime: false
            )
            try sleeper.send(.kill)
            _ = try sleeper.wait()
            try output.close()
            try input.close()
        }
    }

    @Test
    func `for delays, timeouts and options`() throws {
        try onHub { () throws in
            for none in noTime {
                try GreenThread.sleep(for: none)
                #expect(try spawn(after: none) { 1 }.wait() == 1)
                #expect(throws: Timeout.self) { try withTimeout(none) { try GreenThread.yield() } }
                try useResourcePool(time: none)
                try useOffloadPool(idle: none)
                #expect(failure { try Monitor.start(limit: none) }?.code == .invalidArgument)
            }
            for all in allTime {
                let late = spawn(after: all) {}
                try withTimeout(all) { try GreenThread.sleep(for: .milliseconds(1)) }
                #expect(!late.isFinished)
                #expect(late.cancel())
                #expect(throws: GreenExit.self) { try late.wait() }
                try useResourcePool(time: all)
                try useOffloadPool(idle: all)
                #expect(try listen(on: .loopback()).stop(drainingFor: all) == 0)
            }
        }
    }
}
