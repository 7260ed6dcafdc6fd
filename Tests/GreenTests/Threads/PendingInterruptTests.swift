import Glibc
import Green
import Testing

/// A blocking call, prepared so that it does not have to wait.
private struct Prepared {
    let name: String
    let call: () throws -> Void

    init<Result>(_ name: String, _ call: @escaping () throws -> Result) {
        self.name = name
        self.call = { _ = try call() }
    }
}

/// The outcome of the call in a thread that was woken for it and killed before it ran.
private func errorAfterKill(of prepared: Prepared) throws -> (any Error)? {
    let go = Event<Void>()
    let thread = spawn { () -> Result<Void, any Error> in
        try go.wait()
        return Result { try prepared.call() }
    }
    while go.waitingCount == 0 {
        try GreenThread.yield()
    }
    try go.send()
    try thread.kill()
    return failure(of: try thread.wait())
}

/// The outcome of the call in a thread with an expired timeout.
private func errorAfterTimeout(of prepared: Prepared) throws -> (any Error)? {
    let thread = spawn {
        let timeout = Timeout(.zero)
        defer { timeout.cancel() }
        return Result { try prepared.call() }
    }
    return failure(of: try thread.wait())
}

private func failure(of result: Result<Void, any Error>) -> (any Error)? {
    if case .failure(let error) = result { error } else { nil }
}

/// Each call throws for a kill and for a timeout, and takes nothing: a second call succeeds.
private func check(_ calls: [Prepared]) throws {
    for prepared in calls {
        #expect(try errorAfterKill(of: prepared) is GreenExit, "\(prepared.name) after a kill")
        #expect(try errorAfterTimeout(of: prepared) is Timeout, "\(prepared.name) after a timeout")
        #expect(throws: Never.self, "\(prepared.name) once more") { try prepared.call() }
    }
}

/// For calls that must not lose their result to an interrupt.
private func same<Value: Equatable>(_ value: Value, _ expected: Value) throws {
    #expect(value == expected)
}

@Suite("A pending interrupt", .serialized)
struct PendingInterruptTests {
    @Test
    func `interrupts every call that waits for threads`() throws {
        try onHub { () throws in
            let finished = spawn { 1 }
            try finished.wait()
            let group = GreenGroup([finished])
            try check([
                Prepared("wait") { try finished.wait() },
                Prepared("wait without time") { try finished.wait(timeout: .zero) },
                Prepared("wait(any:)") { try GreenThread.wait(any: [finished]) },
                Prepared("wait(all:)") { try GreenThread.wait(all: [finished]) },
                Prepared("wait(all:) of none") { try GreenThread<Int>.wait(all: []) },
                Prepared("kill and wait") { try finished.kill(waitingForEnd: true) },
                Prepared("GreenGroup.next") { try same(group.next(), finished) },
                Prepared("withGreenGroup") { try withGreenGroup(of: Int.self) { _ in } },
                Prepared("GreenGroup.results of none") { try GreenGroup<Int>().results() },
                Prepared("GreenGroup.killAll of none") { try GreenGroup<Int>().killAll() },
                Prepared("GreenGroup.next of none") { try GreenGroup<Int>().next() },
                Prepared("yield") { try GreenThread.yield() },
                Prepared("sleep") { try GreenThread.sleep(for: .zero) },
                Prepared("checkInterrupt") { try GreenThread.checkInterrupt() },
                Prepared("offload") { try offload { 1 } },
            ])
        }
    }

    @Test
    func `interrupts every call of a pool`() throws {
        try onHub { () throws in
            let pool = GreenPool(size: 10)
            let pile = GreenPile<Int>(pool)
            try pile.spawn { 1 }
            let map = pool.map([1, 2, 3]) { $0 }
            let unordered = pool.mapUnordered([1, 2, 3]) { $0 }
            #expect(try map.next() == 1)
            #expect(try unordered.next() != nil)
            try pool.waitAll()
            try check([
                Prepared("GreenPool.waitAll") { try pool.waitAll() },
                Prepared("GreenMap.next") { try same(map.next(), 2) },
                Prepared("unordered GreenMap.next") { try unordered.next()! },
                Prepared("GreenPile.next") { try same(pile.next(), 1) },
                Prepared("GreenPile.next of none") { try same(pile.next(), nil) },
                Prepared("GreenPile.spawn") { try pile.spawn { 2 } },
                Prepared("GreenPool.spawn") { try pool.spawn { 1 } },
                Prepared("GreenPool.detach") { try pool.detach {} },
            ])
            #expect(pile.count == 1)
            try pool.waitAll()
        }
    }

    @Test
    func `interrupts every call of a resource pool and of a DAG pool`() throws {
        try onHub { () throws in
            let idle = try ResourcePool(minimum: 1, maximum: 1) { 1 }
            let empty = try ResourcePool(maximum: 10) { 1 }
            let graph = DAGPool(preload: ["a": 1])
            var results: DAGResults<String, Int>?
            try graph.spawn("b", dependsOn: ["a"]) { given in
                results = given
                return 2
            }
            try settle()
            try check([
                Prepared("ResourcePool.withItem") { try idle.withItem { _ in } },
                Prepared("ResourcePool.get, idle") { try idle.get() },
                Prepared("ResourcePool.get, new") { try empty.get() },
                Prepared("DAGPool.wait") { try graph.wait(for: ["a", "b"]) },
                Prepared("DAGPool.waitAll") { try graph.waitAll() },
                Prepared("DAGPool.value") { try graph.value(for: "a") },
                Prepared("DAGPool.subscript") { try graph["a"] },
                Prepared("DAGResults.subscript") { try results!["a"] },
                Prepared("DAGResults.all") { try results!.all() },
                Prepared("DAGResults.Iterator.next") {
                    var iterator = results!.makeIterator()
                    return try iterator.next()!.get()
                },
                Prepared("DAGPool.Each.next") {
                    var iterator = graph.waitEach()
                    return try iterator.next()!.get()
                },
            ])
            #expect(idle.availableCount == 0, "taken once")
            #expect(empty.availableCount == 9, "taken once")
            idle.put(1)
            empty.put(1)
        }
    }

    @Test
    func `interrupts every call on events, queues, semaphores and locks`() throws {
        try onHub { () throws in
            let event = Event<Int>()
            try event.send(1)
            let queue = Queue<Int>(capacity: 10)
            try queue.put(1)
            let (semaphore, capped) = (Semaphore(permits: 1), CappedSemaphore(permits: 1, limit: 10))
            let bounded = BoundedSemaphore(permits: 1)
            let (mutex, lock) = (GreenMutex(1), GreenReadWriteLock(1))
            try check([
                Prepared("Event.wait") { try event.wait() },
                Prepared("Queue.get") { try same(queue.get(), 1) },
                Prepared("Queue.put") { try queue.put(2) },
                Prepared("Queue.next") { try same(queue.next(), 2) },
                Prepared("Queue.join") {
                    while queue.unfinishedCount > 0 { try queue.taskDone() }
                    try queue.join()
                },
                Prepared("Semaphore.withPermit") { try semaphore.withPermit {} },
                Prepared("Semaphore.acquire") { try semaphore.acquire() },
                Prepared("BoundedSemaphore.acquire") { try bounded.acquire() },
                Prepared("CappedSemaphore.acquire") { try capped.acquire() },
                Prepared("CappedSemaphore.release") { try capped.release() },
                Prepared("GreenMutex.withLock") { try mutex.withLock { _ in } },
                Prepared("GreenMutex.withLock(when:)") { try mutex.withLock(when: { $0 == 1 }) { _ in } },
                Prepared("GreenReadWriteLock.withReadLock") { try lock.withReadLock { _ in } },
                Prepared("GreenReadWriteLock.withWriteLock") { try lock.withWriteLock { _ in } },
            ])
            #expect(queue.isEmpty)
            #expect((semaphore.permits, bounded.permits, capped.permits) == (0, 0, 1))
        }
    }

    @Test
    func `interrupts every call on channels and promises`() throws {
        try onHub { () throws in
            let promise = Promise<Int>()
            try promise.send(1)
            let channel = Channel<Int>(capacity: 10)
            try channel.send(1)
            try check([
                Prepared("Promise.wait") { try promise.wait() },
                Prepared("withPromise") { try withPromise(of: Int.self) { try $0.send(1) } },
                Prepared("Channel.receive") { try same(channel.receive(), 1) },
                Prepared("Channel.send") { try channel.send(2) },
                Prepared("Channel.next") { try same(channel.next(), 2) },
            ])
            #expect(channel.isEmpty)
        }
    }

    @Test
    func `interrupts a wait for a thread of another hub`() throws {
        try withHubs { hubs throws in
            let finished = hubs[0].spawn { 1 }
            try finished.wait()
            try check([
                Prepared("RemoteThread.wait") { try same(finished.wait(), 1) },
                Prepared("RemoteThread.wait without time") { try finished.wait(timeout: .zero) },
            ])
        }
    }

    @Test
    func `interrupts every call of a socket`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            defer {
                near.close()
                far.close()
            }
            try far.write("12345678\n90\n")
            let listener = try listen(on: "127.0.0.1:0")
            defer { listener.close() }
            let address = try listener.address
            let datagrams = try Socket.datagram(at: .loopback())
            defer { datagrams.close() }
            let own = try datagrams.localAddress
            try check([
                Prepared("resolve") { try SocketAddress.resolve("127.0.0.1:80") },
                Prepared("listen") { try listen(on: "127.0.0.1:0").close() },
                Prepared("connect") { try connect(to: "\(address)").close() },
                Prepared("connect to an address") { try connect(to: address).close() },
                Prepared("accept") { try listener.accept().close() },
                Prepared("stop") { try listen(on: .loopback()).stop() },
                Prepared("read(upTo:)") { try same(near.read(upTo: 1), [0x31]) },
                Prepared("read into nothing") {
                    var nothing: [UInt8] = []
                    return try near.read(into: &nothing)
                },
                Prepared("readExactly") { try same(near.readExactly(2), [0x32, 0x33]) },
                Prepared("readExactly of nothing") { try near.readExactly(0) },
                Prepared("withReceived") { try near.withReceived { bytes, consumed in consumed = 1 } },
                Prepared("readLine") { try same(near.readLine(), "5678") },
                Prepared("lines") {
                    var lines = near.lines
                    try same(lines.next()!.get(), "90")
                },
                Prepared("write") { try near.write("x") },
                Prepared("write of nothing") { try near.write("") },
                Prepared("write(contentsOf:)") { try near.write(contentsOf: [[1], [2]]) },
                Prepared("write(contentsOf:) of nothing") { try near.write(contentsOf: [[UInt8]]()) },
                Prepared("send") { try datagrams.send([1], to: own) },
                Prepared("receive") { try same(datagrams.receive().bytes, [1]) },
            ])
        }
    }

    @Test
    func `interrupts every call of a file, a process and signals`() throws {
        try onHub { () throws in
            let path = FilePath("/tmp/green-pending-\(UInt64.random(in: 0 ... .max))")
            let folder = path.appending("folder")
            try GreenDirectory.create(path)
            let file = try GreenFile.open(
                path.appending("file"),
                .readWrite,
                options: .create,
                permissions: .ownerReadWrite
            )
            try file.write("first\nsecond\n")
            try file.seek(to: 0)
            var lines = file.lines
            #expect(try lines.next()?.get() == "first")
            try file.seek(to: 6)
            let process = try GreenProcess("true")
            _ = try process.wait()
            let signals = try Signals([.user1])
            raise(SIGUSR1)
            try check([
                Prepared("read(upTo:)") { try same(file.read(upTo: 5), Array("secon".utf8)) },
                Prepared("read(upTo:) of nothing") { try file.read(upTo: 0) },
                Prepared("read(fromAbsoluteOffset:)") { try file.read(fromAbsoluteOffset: 0, upTo: 1) },
                Prepared("readAll") { try file.readAll() },
                Prepared("write") { try file.write("x") },
                Prepared("write of nothing") { try file.write("") },
                Prepared("size") { try file.size },
                Prepared("status") { try file.status },
                Prepared("resize") { try file.resize(to: 10) },
                Prepared("synchronize") { try file.synchronize() },
                Prepared("open") { try GreenFile.open(path.appending("file"), .readOnly).close() },
                Prepared("status(of:)") { try GreenFile.status(of: path) },
                Prepared("create") { try GreenDirectory.create(folder) },
                Prepared("contents") { try GreenDirectory.contents(of: path) },
                Prepared("rename") { try GreenFile.rename(folder, to: path.appending("other")) },
                Prepared("remove") { try GreenDirectory.remove(path.appending("other")) },
                Prepared("GreenProcess") { try GreenProcess("true").wait() },
                Prepared("GreenProcess.wait") { try process.wait() },
                Prepared("Signals.next") { try signals.next() },
            ])
            // A line that was read ahead. The iterator ends with the error, like every iterator.
            try GreenFile.remove(path.appending("file"))
            try GreenDirectory.remove(path)
            let ahead = Prepared("GreenFile.Lines.next") { try lines.next()?.get() }
            #expect(try errorAfterKill(of: ahead) is GreenExit)
        }
    }

    @Test
    func `stays pending during clean-up`() throws {
        try onHub { () throws in
            let pool = try ResourcePool(minimum: 1, maximum: 1) { 1 }
            let semaphore = Semaphore(permits: 0)
            let (near, far) = try Socket.pair()
            let listener = try listen(on: .loopback())
            let item = try pool.get()
            let thread = spawn {
                let timeout = Timeout(.zero)
                defer { timeout.cancel() }
                pool.put(item)
                semaphore.release()
                near.close()
                far.close()
                listener.close()
                return Result { try GreenThread.yield() }
            }
            #expect(failure(of: try thread.wait()) is Timeout)
            #expect(pool.availableCount == 1)
            #expect(semaphore.permits == 1)
        }
    }
}
