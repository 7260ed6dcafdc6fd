import Glibc
import Green
import Synchronization
import Testing

@Suite("A server on several hubs")
struct ServerTests {
    /// Echoes lines.
    private static let echo: @Sendable (Socket, SocketAddress) throws -> Void = { client, _ in
        while let line = try client.readLine() {
            try client.write("\(line)\n")
        }
    }

    private func connected(to server: Server) throws -> Socket {
        let socket = try connect(to: server.address, timeout: .seconds(60))
        socket.readTimeout = .seconds(60)
        return socket
    }

    private func expectEcho(_ text: String, on socket: Socket) throws {
        try socket.write(text + "\n")
        #expect(try socket.readLine() == text)
    }

    @Test(arguments: Server.Distribution.allCases)
    func `echoes each client its own bytes, on one port`(_ distribution: Server.Distribution) throws {
        for count in [1, 3] {
            try withPool(count) { hubs throws in
                let server = try Server(
                    on: "127.0.0.1:0",
                    hubs: hubs,
                    distribution: distribution,
                    handler: ServerTests.echo
                )
                #expect(server.address.port != 0)
                let sockets = try (0..<100).map { _ in try connected(to: server) }
                for (number, socket) in sockets.enumerated() {
                    try expectEcho("client \(number)", on: socket)
                }
                #expect((0..<count).reduce(0) { $0 + server.runningCount(onHub: $1) } == 100)
                for socket in sockets {
                    socket.close()
                }
                #expect(try server.stop() == 0)
                try server.wait()
            }
        }
    }

    @Test
    func `hands connections to the hub with the fewest`() throws {
        try withPool(4) { hubs throws in
            let server = try Server(on: "127.0.0.1:0", hubs: hubs, distribution: .handOver, handler: ServerTests.echo)
            let sockets = try (0..<40).map { _ in try connected(to: server) }
            for socket in sockets {
                try expectEcho("x", on: socket)
            }
            #expect((0..<4).map { server.runningCount(onHub: $0) } == [10, 10, 10, 10])
            #expect(try server.stop(drainingFor: .zero) == 40)
            withExtendedLifetime(sockets) {}
        }
    }

    @Test
    func `runs handlers on several OS threads at the same time`() throws {
        try withPool(2) { hubs throws in
            let (begun, gate) = (Channel<Void>(), Gate())
            let threads = Mutex<Set<pthread_t>>([])
            let server = try Server(on: "127.0.0.1:0", hubs: hubs, distribution: .handOver) { client, _ in
                threads.withLock { _ = $0.insert(pthread_self()) }
                try begun.send(())
                gate.pass()
                try client.write("done\n")
            }
            let sockets = try (0..<2).map { _ in try connected(to: server) }
            for _ in sockets {
                // Each of the two handlers blocks its OS thread.
                try begun.receive()
            }
            for _ in sockets {
                gate.open()
            }
            for socket in sockets {
                #expect(try socket.readLine() == "done")
            }
            #expect(threads.withLock { $0.count } == 2)
            #expect(try server.stop() == 0)
        }
    }

    @Test
    func `listens on a unix socket`() throws {
        try withPool(2) { hubs throws in
            let path = "/tmp/green-server-\(getpid()).sock"
            let server = try Server(on: "unix:\(path)", hubs: hubs, handler: ServerTests.echo)
            let sockets = try (0..<4).map { _ in try connected(to: server) }
            for socket in sockets {
                try expectEcho("local", on: socket)
            }
            #expect(try server.stop(drainingFor: .zero) == 4)
            withExtendedLifetime(sockets) {}
            #expect(unsafe access(path, F_OK) != 0, "its file is removed")
        }
    }

    @Test(arguments: Server.Distribution.allCases)
    func `stops on all hubs, and lets the handlers finish`(_ distribution: Server.Distribution) throws {
        try withPool(2) { hubs throws in
            let server = try Server(
                on: "127.0.0.1:0",
                hubs: hubs,
                distribution: distribution,
                handler: ServerTests.echo
            )
            let sockets = try (0..<8).map { _ in try connected(to: server) }
            for socket in sockets {
                try expectEcho("before", on: socket)
            }
            let stopper = spawn { try server.stop(drainingFor: .seconds(60)) }
            try settle()
            // A connection that a hub closes in its queue is reset.
            try until { try refusal(by: server.address)?.code == .connectionRefused }
            for socket in sockets {
                try expectEcho("after", on: socket)
                #expect(!stopper.isFinished)
                socket.close()
            }
            #expect(try stopper.wait() == 0)
            try server.wait()
        }
    }

    @Test
    func `kills the handlers on all hubs at the end of the grace period`() throws {
        try withPool(2) { hubs throws in
            let (begun, exits) = (Channel<Void>(), Count())
            let server = try Server(on: "127.0.0.1:0", hubs: hubs, onError: { _ in exits.add(1000) }) { _, _ in
                try begun.send(())
                defer { exits.add() }
                try GreenThread.sleep(for: .seconds(1000))
            }
            let sockets = try (0..<6).map { _ in try connected(to: server) }
            for _ in sockets {
                try begun.receive()
            }
            #expect(try server.stop(drainingFor: .milliseconds(1)) == 6)
            try server.wait()
            #expect(exits.value == 6, "a killed handler is not an error")
            for socket in sockets {
                #expect(try socket.read(upTo: 1) == [])
            }
        }
    }

    @Test
    func `can be stopped by a handler, and on an OS thread without a hub`() throws {
        try withPool(2) { hubs throws in
            let servers = Channel<Server>(capacity: 1)
            let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in
                let killed = try servers.receive().stop(drainingFor: .zero)
                try client.write("killed \(killed)\n")
            }
            try servers.send(server)
            #expect(try connected(to: server).readLine() == "killed 0")
            try server.wait()

            let other = try Server(on: "127.0.0.1:0", hubs: hubs, handler: ServerTests.echo)
            let killed = Count()
            onAnotherThread {
                killed.add((try? other.stop()) ?? 1000)
                if (try? other.wait()) == nil {
                    killed.add(1000)
                }
            }
            #expect(killed.value == 0)
        }
    }

    @Test
    func `ends on all hubs after StopServe`() throws {
        try withPool(2) { hubs throws in
            let server = try Server(on: "127.0.0.1:0", hubs: hubs) { _, _ in throw StopServe() }
            #expect(failure { try server.wait(timeout: .zero) }?.code == .timedOut)
            let socket = try connected(to: server)
            try server.wait()
            try server.wait()
            #expect(try socket.read(upTo: 1) == [])
            // A connection that a hub closes in its queue is reset.
            try until { try refusal(by: server.address)?.code == .connectionRefused }
            #expect(try server.stop() == 0)
        }
    }

    @Test
    func `throws the error of a handler itself`() throws {
        try withPool(2) { hubs throws in
            let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in
                if let line = try client.readLine(), let number = Int(line) {
                    throw Mistake(number: number)
                }
            }
            let socket = try connected(to: server)
            try socket.write("7\n")
            #expect(throws: Mistake(number: 7)) { try server.wait() }
            #expect(throws: Mistake(number: 7)) { try server.wait() }
            #expect(try socket.read(upTo: 1) == [], "its client is closed")
        }
    }

    @Test
    func `continues if there is an onError, which is called on the handler's OS thread`() throws {
        try withPool(2) { hubs throws in
            let mistakes = Channel<Int>()
            let server = try Server(
                on: "127.0.0.1:0",
                hubs: hubs,
                onError: { _ = try? mistakes.trySend(($0 as? Mistake)?.number ?? -1) }
            ) { client, _ in
                throw Mistake(number: Int(try client.readLine() ?? "") ?? 0)
            }
            let sockets = try (0..<10).map { _ in try connected(to: server) }
            for (number, socket) in sockets.enumerated() {
                try socket.write("\(number)\n")
                #expect(try socket.read(upTo: 1) == [])
            }
            #expect(try (0..<10).map { _ in try mistakes.receive() }.sorted() == Array(0..<10))
            #expect(try server.stop() == 0)
        }
    }

    @Test
    func `that no call waits for reports the error that ended it, once`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let hubs = try HubPool(count: 2)
                do {
                    let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in
                        if try client.readLine() != nil { throw Mistake(number: 8) }
                    }
                    let socket = try connect(to: server.address)
                    try socket.write("fail\n")
                    _ = try socket.read(upTo: 1)
                    try until { try refusal(by: server.address)?.code == .connectionRefused }
                }
                try hubs.close()
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.hasSuffix(": Mistake(number: 8)") == true, "\(lines)")
    }

    @Test
    func `releases its handler once, after the last of its clients`() throws {
        let gone = Count()
        try withPool(2) { hubs throws in
            do {
                let guest = Guest(gone)
                let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in
                    try client.write("\(guest.number)\n")
                }
                #expect(try connected(to: server).readLine() == "0")
                #expect(gone.value == 0)
                #expect(try server.stop() == 0)
            }
            try until { gone.value == 1 }
            do {
                let guest = Guest(gone)
                let error = failure {
                    try Server(on: "127.0.0.1:99999", hubs: hubs) { _, _ in withExtendedLifetime(guest) {} }
                }
                #expect(error != nil)
            }
            #expect(gone.value == 2)
        }
    }

    @Test
    func `is refused on an address in use and on a closed pool`() throws {
        try onHub { () throws in
            let hubs = try HubPool(count: 2)
            for distribution in Server.Distribution.allCases {
                let listener = try listen(on: "127.0.0.1:0")
                let address = try listener.address
                let error = failure {
                    try Server(on: "\(address)", hubs: hubs, distribution: distribution, handler: ServerTests.echo)
                }
                #expect(error?.code == .addressInUse, "\(distribution)")
                listener.close()
            }
            try hubs.close()
            let error = failure { try Server(on: "127.0.0.1:0", hubs: hubs, handler: ServerTests.echo) }
            #expect(error?.code == .noSuchProcess)
        }
    }

    @Test
    func `limits the handlers of each hub`() throws {
        try withPool(2) { hubs throws in
            let running = (Count(), Count())
            let server = try Server(on: "127.0.0.1:0", hubs: hubs, concurrency: 3) { client, _ in
                running.0.add()
                defer { running.0.add(-1) }
                if running.0.value > 6 {
                    running.1.add()
                }
                try GreenThread.sleep(for: .milliseconds(1))
                try client.write("done\n")
            }
            let sockets = try (0..<40).map { _ in try connected(to: server) }
            for socket in sockets {
                #expect(try socket.readLine() == "done")
            }
            #expect(running.1.value == 0)
            #expect(try server.stop() == 0)
        }
    }
}

@Suite("Serving on several hubs")
struct ServeOnHubsTests {
    /// Calls `serve` for an address that the body gets.
    private func address() throws -> String {
        let listener = try listen(on: "127.0.0.1:0")
        defer { listener.close() }
        return "\(try listener.address)"
    }

    private func connected(to address: String) throws -> Socket {
        for _ in 0..<10_000 {
            if let socket = try? connect(to: address) {
                return socket
            }
            try GreenThread.sleep(for: .milliseconds(1))
        }
        return try connect(to: address)
    }

    @Test
    func `blocks until a handler throws StopServe or an error`() throws {
        try withPool(2) { hubs throws in
            let address = try address()
            let server = spawn {
                try serve(on: address, hubs: hubs) { client, peer in
                    switch try client.readLine() {
                    case "stop": throw StopServe()
                    case "fail": throw Mistake(number: peer.port == nil ? 0 : 9)
                    default: try client.write("hello\n")
                    }
                }
            }
            let first = try connected(to: address)
            try first.write("go\n")
            #expect(try first.readLine() == "hello")
            #expect(!server.isFinished)
            try connected(to: address).write("stop\n")
            try server.wait()

            let second = spawn {
                try Server.serve(on: address, hubs: hubs) { _, _ in throw Mistake(number: 9) }
            }
            let socket = try connected(to: address)
            #expect(throws: Mistake(number: 9)) { try second.wait() }
            #expect(try socket.read(upTo: 1) == [])
        }
    }

    @Test
    func `stops if its caller is killed`() throws {
        try withPool(2) { hubs throws in
            let address = try address()
            let (begun, exits) = (Channel<Void>(), Count())
            let server = spawn {
                try serve(on: address, hubs: hubs) { _, _ in
                    try begun.send(())
                    defer { exits.add() }
                    try GreenThread.sleep(for: .seconds(1000))
                }
            }
            let socket = try connected(to: address)
            try begun.receive()
            try server.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try server.wait() }
            #expect(exits.value == 1, "its handlers are killed")
            #expect(try socket.read(upTo: 1) == [])
            try until { try refusal(by: #require(SocketAddress(address)))?.code == .connectionRefused }
        }
    }
}
