import Green
import SystemPackage
import Testing

@Suite("A detached socket")
struct DetachedSocketTests {
    @Test
    func `is attached on another hub, with the bytes that were not read`() throws {
        try withHubs { hubs throws in
            let (near, far) = try Socket.pair()
            near.readTimeout = .seconds(60)
            try far.write("first\nsecond\nthi")
            #expect(try near.readLine() == "first")
            let detached = try near.detach()
            #expect(failure { try near.read(upTo: 1) }?.code == .badFileDescriptor)
            let other = hubs[0].spawn {
                let socket = try Socket(attaching: detached)
                let lines = try [socket.readLine(), socket.readLine()]
                try socket.write("answer\n")
                return (lines, socket.readTimeout)
            }
            try far.write("rd\n")
            #expect(try far.readLine() == "answer")
            #expect(try far.readLine() == nil)
            let (lines, timeout) = try other.wait()
            #expect(lines == ["second", "third"])
            #expect(timeout == .seconds(60))
        }
    }

    @Test
    func `is attached once`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            let detached = try near.detach()
            let socket = try Socket(attaching: detached)
            #expect(failure { try Socket(attaching: detached) }?.code == .badFileDescriptor)
            try socket.write("x")
            #expect(try far.readExactly(1).count == 1)
        }
    }

    @Test
    func `is closed by its last release`() throws {
        try onHub { () throws in
            var peers: [Socket] = []
            for _ in 0..<100 {
                let (near, far) = try Socket.pair()
                peers.append(far)
                let detached = try near.detach()
                onAnotherThread { withExtendedLifetime(detached) {} }
            }
            for peer in peers {
                #expect(try peer.read(upTo: 1) == [])
            }
        }
    }

    @Test
    func `is not made while a thread uses the socket`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            let reader = spawn { try near.read(upTo: 1) }
            try settle()
            #expect(failure { try near.detach() }?.code == .resourceBusy)
            try far.write("x")
            #expect(try reader.wait().count == 1)
            try far.write("y")
            try near.withReceived { bytes in
                #expect(bytes.byteCount == 1)
                #expect(failure { try near.detach() }?.code == .resourceBusy)
            }
            _ = try near.detach()
            #expect(try far.read(upTo: 1) == [])
        }
    }

    @Test
    func `is made of the client of a handler, and outlives it`() throws {
        try withHubs { hubs throws in
            let connections = Channel<DetachedSocket>()
            let echo = hubs[0].spawn {
                while let connection = try? connections.receive() {
                    let socket = try Socket(attaching: connection)
                    try socket.write(socket.readExactly(4))
                }
            }
            let listener = try listen(on: "127.0.0.1:0")
            let server = spawn { try listener.serve { client, _ in try connections.send(client.detach()) } }
            for _ in 0..<10 {
                let client = try connect(to: listener.address)
                try client.write("echo")
                #expect(try client.readExactly(4) == Array("echo".utf8))
                #expect(try client.read(upTo: 1) == [])
            }
            try listener.stop()
            try server.wait()
            connections.close()
            try echo.wait()
        }
    }
}
