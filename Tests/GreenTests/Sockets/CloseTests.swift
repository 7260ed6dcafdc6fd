import Green
import Testing

@Suite("Closing a socket")
struct CloseTests {
    @Test
    func `wakes its reader and its writer with an error`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { try left.read(upTo: 1) }
            let writer = spawn { try left.write([UInt8](repeating: 0, count: 8 << 20)) }
            try settle()
            left.close()
            #expect(failure { try reader.wait() }?.code == .badFileDescriptor)
            #expect(failure { try writer.wait() }?.code == .badFileDescriptor)
            right.close()
        }
    }

    @Test
    func `may be repeated, and later calls throw an error`() throws {
        try onHub { () throws in
            let (left, _) = try Socket.pair()
            left.close()
            left.close()
            let calls: [() throws -> Any] = [
                { try left.read(upTo: 1) }, { try left.readLine() as Any }, { try left.readExactly(1) },
                { try left.withReceived { $0.byteCount } }, { try left.write("x") }, { try left.shutdown() },
                { try left.write(contentsOf: ["x".utf8]) }, { try left.fileDescriptor }, { try left.localAddress },
                { try left.option(.sendBufferSize) }, { try left.setOption(.sendBufferSize, to: 1) },
            ]
            #expect(calls.map { failure(of: $0)?.code } == calls.map { _ in Errno.badFileDescriptor })
        }
    }

    @Test
    func `happens when the last reference is released`() throws {
        try onHub { () throws in
            var left: Socket?
            let right: Socket
            (left, right) = try Socket.pair()
            #expect(left != nil)
            left = nil
            #expect(try right.read(upTo: 1) == [])
        }
    }

    @Test
    func `keeps the receive buffer until the body has returned`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("held")
            let reader = spawn {
                try right.withReceived { bytes in
                    try settle()
                    return unsafe bytes.withUnsafeBytes { unsafe String(decoding: unsafe $0, as: UTF8.self) }
                }
            }
            try settle()
            right.close()
            #expect(try left.read(upTo: 1) == [])
            #expect(try reader.wait() == "held")
        }
    }

    @Test
    func `with shutdown ends one direction only`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { try left.read(upTo: 1) }
            try GreenThread.yield()
            try left.shutdown(.reading)
            #expect(try reader.wait() == [])
            try left.write("x")
            #expect(try right.read(upTo: 1) == Array("x".utf8))
            try left.shutdown()
            #expect(try right.read(upTo: 1) == [])
        }
    }

    @Test
    func `is not needed after a timeout: the socket remains usable`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            left.readTimeout = .milliseconds(1)
            left.writeTimeout = .milliseconds(2)
            #expect(left.readTimeout == .milliseconds(1))
            #expect(left.writeTimeout == .milliseconds(2))
            #expect(failure { try left.read(upTo: 1) }?.code == .timedOut)
            #expect(failure { try left.write([UInt8](repeating: 0, count: 8 << 20)) }?.code == .timedOut)
            left.readTimeout = nil
            #expect(left.readTimeout == nil)
            try right.write("x")
            #expect(try left.read(upTo: 1) == Array("x".utf8))
        }
    }
}
