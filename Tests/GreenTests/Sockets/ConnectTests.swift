import Green
import Testing

@Suite("Connecting")
struct ConnectTests {
    /// A port without a listener.
    private func deadAddress() throws -> SocketAddress {
        let listener = try listen(on: "127.0.0.1:0")
        defer { listener.close() }
        return try listener.address
    }

    @Test
    func `reaches a listener by text, address or name`() throws {
        try onHub { () throws in
            let listener = try listen(on: .loopback())
            let address = try listener.address
            for call in [
                { try connect(to: address) }, { try connect(to: "\(address)", timeout: .seconds(60)) },
                { try connect(to: "localhost:\(address.port ?? 0)", timeout: .seconds(60)) },
            ] {
                let client = try call()
                let server = try listener.accept()
                #expect(try client.peerAddress == address)
                #expect(try client.localAddress == server.peerAddress)
                #expect(try client.option(.noDelay))
                try client.write("x")
                #expect(try server.read(upTo: 1) == Array("x".utf8))
            }
        }
    }

    @Test
    func `from a given local address`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let source = try SocketAddress(host: "127.0.0.7", port: 0)
            let client = try connect(to: listener.address, from: source)
            #expect(try client.localAddress.host == "127.0.0.7")
            #expect(try listener.accept().peerAddress == client.localAddress)
            let foreign = try SocketAddress(host: "203.0.113.1", port: 0)
            #expect(failure { try connect(to: listener.address, from: foreign) }?.code == .addressNotAvailable)
        }
    }

    @Test
    func `that is refused names the address`() throws {
        try onHub { () throws in
            let address = try deadAddress()
            let error = try #require(try refusal(by: address))
            #expect(error.code == .connectionRefused)
            #expect(error.message.contains("cannot connect to \(address)"), "\(error)")
            #expect(error.description == error.message)
            #expect(failure { try connect(to: "\(address)") }?.code == .connectionRefused)
        }
    }

    @Test
    func `gives up after the timeout`() throws {
        try onHub { () throws in
            // With a full backlog, the kernel does not answer.
            let listener = try listen(on: "127.0.0.1:0", backlog: 1)
            var clients: [Socket] = []
            var error: SystemError?
            while error == nil, clients.count < 100 {
                do {
                    clients.append(try connect(to: listener.address, timeout: .milliseconds(100)))
                } catch let failed as SystemError {
                    error = failed
                }
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test
    func `to no address is an error`() throws {
        try onHub { () throws in
            #expect(failure { try connect(to: "127.0.0.1") }?.code == .invalidArgument)
            #expect(failure { try connect(to: "unix:/nowhere/at/all") }?.code == .noSuchFileOrDirectory)
        }
    }

    @Test
    func `to a unix listener leaves no file behind`() throws {
        try onHub { () throws in
            let address = try SocketAddress(unixPath: "/tmp/green-test-\(UInt64.random(in: 0 ... .max)).socket")
            let listener = try listen(on: address)
            let client = try connect(to: "\(address)")
            let server = try listener.accept()
            try server.write("hello\n")
            #expect(try client.readLine() == "hello")
            #expect(try client.peerAddress == address)
            #expect(failure { try listen(on: address) }?.code == .addressInUse)
            listener.close()
            #expect(failure { try connect(to: address) }?.code == .noSuchFileOrDirectory)
        }
    }

    @Test
    func `is possible by adopting a descriptor`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let adopted = try Socket(adopting: left.fileDescriptor.duplicate())
            left.close()
            try adopted.write("x")
            #expect(try right.read(upTo: 1) == Array("x".utf8))
            let file = try unsafe FileDescriptor.open("/dev/null", .readOnly)
            #expect(failure { try Socket(adopting: file) }?.code == .notSocket)
            #expect(failure { try Listener(adopting: file) }?.code == .notSocket)
            try file.close()
            let socket = try right.fileDescriptor
            #expect(failure { try Listener(adopting: socket) }?.code == .invalidArgument)
        }
    }
}
