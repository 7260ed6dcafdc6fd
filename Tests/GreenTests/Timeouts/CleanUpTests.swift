import Glibc
import Green
import GreenTesting
import Testing

/// Nothing may be left of a body that an expired limit ends, although every blocking call in it fails.
@Suite("Clean-up in an expired time limit")
struct CleanUpTests {
    @Test
    func `kills the program of a run`() throws {
        try onHub { () throws in
            let file = try TemporaryFile("")
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(50)) {
                    _ = try run("sh", arguments: ["-c", "echo $$ > \(file.path); exec sleep 100000"])
                }
            }
            let text = String(decoding: try run("cat", arguments: [file.path]).standardOutput, as: UTF8.self)
            // It may have been killed before it has written its number.
            guard let process = pid_t(text.split(separator: "\n").first ?? "") else { return }
            for _ in 0..<10_000 where kill(process, 0) == 0 {
                try GreenThread.sleep(for: .milliseconds(1))
            }
            #expect(kill(process, 0) != 0)
        }
    }

    @Test(arguments: engines)
    func `closes sockets, listeners and files`(engine: String) throws {
        let path = try TemporaryFile("first\n")
        try withTestHub(engine: engine) { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let peer = spawn { try listener.accept() }
            let error = timeoutThrown {
                try withTimeout(.seconds(1)) {
                    let front = try listen(on: "127.0.0.1:0")
                    defer { front.close() }
                    let socket = try connect(to: listener.address)
                    defer { socket.close() }
                    let file = try GreenFile.open(path.path, .readWrite)
                    defer { #expect(throws: Never.self) { try file.close() } }
                    _ = try socket.readLine()
                }
            }
            #expect(error != nil)
            #expect(try peer.wait().readLine() == nil)
            try peer.wait().close()
            listener.close()
        }
    }

    @Test
    func `gives permits back`() throws {
        try withTestHub { () throws in
            let plain = Semaphore(permits: 1)
            let bounded = BoundedSemaphore(permits: 1)
            let capped = CappedSemaphore(permits: 1, limit: 1)
            for semaphore in [plain, bounded, capped] {
                let used = timeoutThrown {
                    try withTimeout(.seconds(1)) { try semaphore.withPermit { try dawdle() } }
                }
                #expect(used != nil)
                #expect(semaphore.permits == 1)
                try semaphore.acquire()
                let awaited = timeoutThrown { try withTimeout(.seconds(1)) { try semaphore.acquire() } }
                #expect(awaited != nil)
                #expect(semaphore.permits == 0 && semaphore.waitingCount == 0)
            }
        }
    }

    @Test
    func `gives the places of pools back`() throws {
        try withTestHub { () throws in
            let pool = GreenPool(size: 1)
            let worker = try pool.spawn { try GreenThread.sleep(for: .seconds(10)) }
            let error = timeoutThrown { try withTimeout(.seconds(1)) { try pool.detach { try dawdle() } } }
            #expect(error != nil)
            #expect(pool.runningCount == 1 && pool.waitingCount == 0)
            try worker.wait()
            #expect(try pool.spawn { 5 }.wait() == 5)

            let map = GreenPool(size: 2).map([1, 2, 3]) { number in
                try GreenThread.sleep(for: .seconds(10))
                return number
            }
            #expect(timeoutThrown { try withTimeout(.seconds(1)) { _ = try map.next() } } != nil)
            #expect(try map.next() == 1)
        }
    }

    @Test
    func `destroys resources, which may block, and frees their places`() throws {
        try withTestHub { () throws in
            var destroyed: [Int] = []
            var made = 0
            let pool = try ResourcePool(
                maximum: 1,
                create: {
                    made += 1
                    return made
                },
                destroy: { number in
                    guard (try? GreenThread.sleep(for: .seconds(1))) != nil else { return }
                    destroyed.append(number)
                }
            )
            func use() throws {
                try pool.withItem { _ in try dawdle() }
            }
            #expect(timeoutThrown { try withTimeout(.seconds(1)) { try use() } } != nil)
            #expect(destroyed == [1])
            let killed = spawn { try use() }
            try GreenThread.yield()
            try killed.kill()
            #expect(throws: GreenExit.self) { try killed.wait() }
            #expect(destroyed == [1, 2])
            // A kill during the destruction ends the next call.
            let item = try pool.get()
            let returner = spawn {
                pool.discard(item)
                try GreenThread.yield()
            }
            try GreenThread.yield()
            try returner.kill()
            #expect(throws: GreenExit.self) { try returner.wait() }
            #expect(destroyed == [1, 2, 3])
            #expect(pool.count == 0)
            #expect(try pool.withItem { $0 } == 4)
        }
    }

    @Test
    func `stops a server, and kills its handlers`() throws {
        let path = "/tmp/green-limit-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unsafe unlink(path) }
        try withPool(2) { hubs throws in
            var wasServed = false
            // A slow machine gets more time.
            for limit in [50, 200, 1000, 5000, 60_000] where !wasServed {
                let server = spawn { () -> Bool in
                    let error = timeoutThrown {
                        try withTimeout(.milliseconds(limit)) {
                            try Server.serve(on: "unix:\(path)", hubs: hubs) { client, _ in
                                try client.write("hello\n")
                                try GreenThread.sleep(for: .seconds(100_000))
                            }
                        }
                    }
                    return error?.duration == .milliseconds(limit)
                }
                let client = try? greeted(at: path, while: server)
                wasServed = client != nil
                #expect(try server.wait())
                #expect(try client?.readLine() == nil, "the handler has ended")
                client?.close()
                #expect(throws: SystemError.self) { try connect(to: "unix:\(path)") }
            }
            #expect(wasServed)
        }
    }

    /// A connection that a handler of the server has begun to serve.
    private func greeted(at path: String, while server: GreenThread<Bool>) throws -> Socket? {
        while !server.isFinished {
            guard let client = try? connect(to: "unix:\(path)") else {
                try GreenThread.sleep(for: .milliseconds(1))
                continue
            }
            client.readTimeout = .seconds(60)
            if try client.readLine() == "hello" {
                return client
            }
            client.close()
        }
        return nil
    }

    @Test
    func `of a wait for a Task with waitingForEnd waits for its end`() async throws {
        try await inGreenThread { () throws in
            let (started, ended) = (Count(), Count())
            let error = timeoutThrown {
                try withTimeout(.milliseconds(5)) {
                    try awaiting(on: threadForEachJob, waitingForEnd: true) {
                        started.add()
                        while !Task.isCancelled {
                            await Task.yield()
                        }
                        ended.add()
                    }
                }
            }
            #expect(error != nil)
            #expect(ended.value == started.value)
        }
    }

    @Test
    func `of an offloaded call leaves the worker to its function`() throws {
        try onHub { () throws in
            let (gate, ended) = (Gate(), Channel<Void>(capacity: 1))
            let pool = OffloadPool(threads: 1)
            let error = timeoutThrown {
                try withTimeout(.milliseconds(1)) {
                    try pool.run {
                        gate.pass()
                        try ended.send(())
                    }
                }
            }
            #expect(error != nil)
            gate.open()
            #expect(try pool.run { 5 } == 5)
        }
    }
}
