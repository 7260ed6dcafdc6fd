import Green
import Testing

@Suite("Datagrams")
struct DatagramTests {
    @Test
    func `arrive complete and with their sender`() throws {
        try onHub { () throws in
            let first = try Socket.datagram(at: .loopback())
            let second = try Socket.datagram(at: .loopback())
            for size in [0, 1, 1000, 60_000] {
                let bytes = [UInt8](repeating: 5, count: size)
                try first.send(bytes, to: second.localAddress)
                let datagram = try second.receive()
                #expect(datagram.bytes == bytes)
                #expect(!datagram.isTruncated)
                #expect(try datagram.sender == first.localAddress)
            }
            let two: [UInt8] = [1, 2]
            unsafe try second.send(two.span.bytes, to: first.localAddress)
            var room: [UInt8] = [0, 0, 0, 0]
            let size = try unsafe room.withUnsafeMutableBytes { try unsafe first.receive(into: $0).size }
            #expect(size == 2)
            #expect(room == [1, 2, 0, 0])
        }
    }

    @Test
    func `report whether they were truncated`() throws {
        try onHub { () throws in
            let socket = try Socket.datagram(at: .loopback())
            for count in [0, 2] {
                try socket.send([1, 2, 3], to: socket.localAddress)
                let datagram = try socket.receive(upTo: count)
                #expect(datagram.bytes == Array([1, 2, 3].prefix(count)))
                #expect(datagram.isTruncated)
            }
        }
    }

    @Test
    func `too large for the network are refused`() throws {
        try onHub { () throws in
            let socket = try Socket.datagram(at: .loopback())
            let bytes = [UInt8](repeating: 0, count: 100_000)
            #expect(failure { try socket.send(bytes, to: socket.localAddress) }?.code == .messageTooLong)
        }
    }

    @Test
    func `can be waited for, until a close or a timeout`() throws {
        try onHub { () throws in
            let socket = try Socket.datagram(at: .loopback())
            let reader = spawn { try socket.receive() }
            try settle()
            socket.close()
            #expect(failure { try reader.wait() }?.code == .badFileDescriptor)
            let hasty = try Socket.datagram(at: .loopback())
            hasty.readTimeout = .milliseconds(1)
            #expect(failure { try hasty.receive() }?.code == .timedOut)
        }
    }
}
