import Green
import GreenServiceLifecycle
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

private struct Broken: Error {}

/// Passes the address of a server to the clients of a test.
private final class Place: Sendable {
    let (addresses, continuation) = AsyncStream.makeStream(of: SocketAddress.self)

    func wait() async -> SocketAddress {
        await addresses.first { _ in true }!
    }
}

/// A service that echoes lines. A client that sends "wait" keeps its handler until it is killed.
private func echo(_ place: Place, drainingFor grace: Duration? = nil, ended: Flag = Flag()) -> ServerService {
    ServerService(drainingFor: grace) {
        let server = try Server(on: "127.0.0.1:0", hubs: HubPool(count: 2)) { client, _ in
            defer { ended.set() }
            while let line = try client.readLine() {
                switch line {
                case "wait": try GreenThread.sleep(for: .seconds(100_000))
                case "stop": throw StopServe()
                case "fail": throw Broken()
                default: try client.write("\(line)\n")
                }
            }
        }
        place.continuation.yield(server.address)
        return server
    }
}

/// Runs a client on a hub of its own.
private func client<Result: Sendable>(
    of address: SocketAddress,
    _ body: @escaping @Sendable (Socket) throws -> Result
) async throws -> Result {
    let hubs = try makeHubs()
    return try await withCheckedThrowingContinuation { continuation in
        hubs[0].detach {
            continuation.resume(with: Swift.Result { try body(connect(to: address)) })
        }
    }
}

private func makeHubs() throws -> HubPool {
    try HubPool(count: 1)
}

private func talk(_ socket: Socket) throws -> String? {
    try socket.write("hello\n")
    return try socket.readLine()
}

@Suite("GreenServiceLifecycle")
struct ServiceTests {
    @Test
    func `serves until graceful shutdown, and drains its clients`() async throws {
        try await testGracefulShutdown { shutdown in
            let place = Place()
            try await withThrowingTaskGroup { group in
                group.addTask { try await echo(place).run() }
                let address = await place.wait()
                #expect(try await client(of: address, talk) == "hello")
                let line = try await client(of: address) { socket in
                    _ = try talk(socket)
                    shutdown.triggerGracefulShutdown()
                    // The server does not listen any more, and waits for this client.
                    while (try? connect(to: address)) != nil { try GreenThread.yield() }
                    return try talk(socket)
                }
                #expect(line == "hello")
                try await group.waitForAll()
            }
        }
    }

    @Test
    func `at the end of the grace period the handlers are killed`() async throws {
        try await testGracefulShutdown { shutdown in
            let place = Place()
            let ended = Flag()
            try await withThrowingTaskGroup { group in
                group.addTask { try await echo(place, drainingFor: .milliseconds(1), ended: ended).run() }
                let address = await place.wait()
                let line = try await client(of: address) { socket in
                    _ = try talk(socket)
                    try socket.write("wait\n")
                    shutdown.triggerGracefulShutdown()
                    return try socket.readLine()
                }
                #expect(line == nil)
                try await group.waitForAll()
            }
            #expect(ended.isSet)
        }
    }

    @Test
    func `cancellation kills the handlers, also during a shutdown without a limit`() async throws {
        for shutsDown in [false, true] {
            try await testGracefulShutdown { shutdown in
                let place = Place()
                let ended = Flag()
                let task = Task { try await echo(place, ended: ended).run() }
                let address = await place.wait()
                _ = try await client(of: address) { socket in
                    _ = try talk(socket)
                    try socket.write("wait\n")
                    if shutsDown {
                        shutdown.triggerGracefulShutdown()
                    }
                    task.cancel()
                    return try socket.readLine()
                }
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(ended.isSet)
            }
        }
    }

    @Test
    func `a Task that is cancelled before it runs starts nothing`() async throws {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await ServerService { fatalError("started") }.run()
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test
    func `a shutdown before the server has started stops it at once`() async throws {
        try await testGracefulShutdown { shutdown in
            shutdown.triggerGracefulShutdown()
            try await echo(Place()).run()
        }
    }

    @Test
    func `a handler ends the service by StopServe, or with its error`() async throws {
        let place = Place()
        async let stopped: Void = echo(place).run()
        try await client(of: place.wait()) { try $0.write("stop\n") }
        try await stopped
        let other = Place()
        let failed = Task { try await echo(other).run() }
        try await client(of: other.wait()) { try $0.write("fail\n") }
        await #expect(throws: Broken.self) { try await failed.value }
    }

    @Test
    func `an error of the start is thrown`() async throws {
        await #expect(throws: SystemError.self) {
            try await ServerService { try Server(on: "nonsense", hubs: HubPool(count: 1)) { _, _ in } }.run()
        }
    }

    @Test
    func `runs in a ServiceGroup`() async throws {
        let place = Place()
        let group = ServiceGroup(services: [echo(place), echo(place)], logger: Logger(label: "test"))
        async let end: Void = group.run()
        #expect(try await client(of: place.wait(), talk) == "hello")
        await group.triggerGracefulShutdown()
        try await end
    }
}
