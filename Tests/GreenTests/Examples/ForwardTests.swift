import Glibc
import Green
import Testing

@Suite("green-forward")
struct ForwardTests {
    /// The size of the large transfer: `GREEN_FORWARD_BYTES`, or 64 MiB.
    private static var size: Int {
        guard let text = unsafe getenv("GREEN_FORWARD_BYTES") else { return 64 << 20 }
        return unsafe Int(String(cString: text)) ?? 64 << 20
    }

    /// A block of bytes without a regular pattern, which could hide an error. Its length does not divide the sizes of
    /// buffers.
    private static let block: [UInt8] = {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<1_000_003).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }()

    private func send(_ size: Int, to socket: Socket) throws {
        var left = size
        while left > 0 {
            let count = min(left, ForwardTests.block.count)
            try socket.write(ForwardTests.block[..<count])
            left -= count
        }
        try socket.shutdown(.writing)
    }

    /// Reads to the end of the stream, and returns how many bytes were correct.
    private func verify(_ socket: Socket) throws -> Int {
        var (total, offset) = (0, 0)
        while true {
            let (count, matches) = try socket.withReceived { bytes, consumed in
                consumed = min(bytes.byteCount, ForwardTests.block.count - offset)
                let matches = unsafe bytes.withUnsafeBytes { bytes in
                    unsafe ForwardTests.block.withUnsafeBytes {
                        unsafe consumed == 0 || memcmp($0.baseAddress! + offset, bytes.baseAddress!, consumed) == 0
                    }
                }
                return (consumed, matches)
            }
            guard count > 0, matches else { return total }
            total += count
            offset = (offset + count) % ForwardTests.block.count
        }
    }

    @Test
    func `forwards every byte and each end of stream, in both directions`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let program = try Program("green-forward", "--listen", "127.0.0.1:0", "--to", "\(listener.address)")
            let client = try connect(to: program.address())
            let server = try listener.accept()
            let size = ForwardTests.size
            let sender = spawn { try send(size, to: client) }
            #expect(try verify(server) == size)
            try sender.wait()
            // The client's direction has ended; the server's is still open.
            let answerer = spawn { try send(size / 4, to: server) }
            #expect(try verify(client) == size / 4)
            try answerer.wait()
        }
    }

    @Test
    func `forwards on several hubs`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let to = try "\(listener.address)"
            let arguments = ["--listen", "127.0.0.1:0", "--to", to, "--hubs", "2", "--concurrency", "8"]
            let program = try Program("green-forward", arguments)
            let address = try program.address()
            let (size, count) = (3 << 20, 8)
            let pairs = try (0..<count).map { _ in (client: try connect(to: address), server: try listener.accept()) }
            // Each pair has sizes of its own.
            let senders = pairs.enumerated().flatMap { number, pair in
                [
                    spawn { try send(size + number, to: pair.client) },
                    spawn { try send(size + count + number, to: pair.server) },
                ]
            }
            let receivers = pairs.map { pair in
                (atServer: spawn { try verify(pair.server) }, atClient: spawn { try verify(pair.client) })
            }
            for thread in senders {
                try thread.wait()
            }
            for (number, received) in receivers.enumerated() {
                #expect(try received.atServer.wait() == size + number)
                #expect(try received.atClient.wait() == size + count + number)
            }
        }
    }

    @Test
    func `closes the client if the target refuses, and continues`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let target = try listener.address
            listener.close()
            let program = try Program("green-forward", "--listen", "127.0.0.1:0", "--to", "\(target)")
            let address = try program.address()
            for _ in 0..<2 {
                let client = try connect(to: address)
                #expect(try client.read(upTo: 1) == [])
            }
            let revived = try listen(on: target)
            let client = try connect(to: address)
            try client.write("hello\n")
            let server = try revived.accept()
            #expect(try server.readLine() == "hello")
        }
    }

    @Test
    func `reports a client's reset once, and closes the server's connection`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let program = try Program("green-forward", "--listen", "127.0.0.1:0", "--to", "\(listener.address)")
            let address = try program.address()
            for _ in 0..<2 {
                let client = try connect(to: address)
                let server = try listener.accept()
                try client.write("hello\n")
                #expect(try server.readLine() == "hello")
                try client.reset()
                #expect(try server.read(upTo: 1) == [])
                let said = try program.output.readLine() ?? ""
                #expect(said.contains("ECONNRESET"), "\(said)")
            }
            program.signal(SIGTERM)
            #expect(try program.rest() == [])
        }
    }

    @Test
    func `closes a connection that is silent in both directions`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let target = try "\(listener.address)"
            let program = try Program("green-forward", "--listen", "127.0.0.1:0", "--to", target, "--idle", "0.05")
            let client = try connect(to: program.address())
            let server = try listener.accept()
            #expect(try client.read(upTo: 1) == [])
            #expect(try server.read(upTo: 1) == [])
            let said = try program.output.readLine() ?? ""
            #expect(said.hasSuffix(": silent for 0.050 s"), "\(said)")
            program.signal(SIGTERM)
            #expect(try program.rest() == [])
        }
    }

    @Test
    func `requires a target`() throws {
        try onHub { () throws in
            let program = try Program("green-forward", "--listen", "0")
            #expect(try program.rest().contains("green-forward: --to is missing"))
            #expect(try program.exitCode() == 2)
        }
    }
}
