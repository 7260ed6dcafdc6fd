import Green
import Testing

@Suite("Writing to a socket")
struct WriteTests {
    /// The bytes that arrive when the body writes.
    private func received(_ body: @escaping (Socket) throws -> Void) throws -> [UInt8] {
        let (left, right) = try Socket.pair()
        let writer = spawn {
            try body(left)
            left.close()
        }
        var bytes: [UInt8] = []
        while case let piece = try right.read(upTo: 65536), !piece.isEmpty {
            bytes += piece
        }
        try writer.wait()
        return bytes
    }

    @Test
    func `takes bytes in every form`() throws {
        try onHub { () throws in
            let bytes = Array("hello".utf8)
            #expect(try received { try $0.write(bytes) } == bytes)
            #expect(try received { try $0.write(bytes[1...3]) } == Array("ell".utf8))
            #expect(try received { try $0.write("hello") } == bytes)
            #expect(try received { try $0.write("hello".dropFirst()) } == Array("ello".utf8))
            #expect(try received { try $0.write("hello".utf8.reversed()) } == Array("olleh".utf8))
            #expect(try received { unsafe try $0.write(bytes.span.bytes) } == bytes)
            #expect(try received { left in try unsafe bytes.withUnsafeBytes { try unsafe left.write($0) } } == bytes)
        }
    }

    @Test
    func `of no bytes does nothing`() throws {
        try onHub { () throws in
            let bytes = try received {
                try $0.write("")
                try $0.write([UInt8]())
                try $0.write(contentsOf: [String.UTF8View]())
                try $0.write(contentsOf: ["".utf8, "".utf8])
            }
            #expect(bytes == [])
        }
    }

    @Test
    func `gathers pieces in order, even more than fit into one system call`() throws {
        try onHub { () throws in
            #expect(try received { try $0.write(contentsOf: ["a".utf8, "".utf8, "bc".utf8]) } == Array("abc".utf8))
            let pieces = (0..<1000).map { [UInt8](repeating: UInt8($0 % 251), count: $0 % 7) }
            #expect(try received { try $0.write(contentsOf: pieces) } == Array(pieces.joined()))
            let lazily = pieces.map { $0.lazy.map { $0 &+ 1 } }
            #expect(try received { try $0.write(contentsOf: lazily) } == pieces.joined().map { $0 &+ 1 })
        }
    }

    @Test
    func `blocks until the kernel has accepted all bytes`() throws {
        try onHub { () throws in
            let bytes = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            #expect(try received { try $0.write(bytes) } == bytes)
            let halves = [bytes[..<1_000_000], bytes[1_000_000...]]
            #expect(try received { try $0.write(contentsOf: halves) } == bytes)
        }
    }

    @Test
    func `to a closed peer is a broken pipe`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            right.close()
            #expect(failure { try left.write("x") }?.code == .brokenPipe)
            let (first, second) = try Socket.pair()
            try first.shutdown(.writing)
            #expect(failure { try first.write("x") }?.code == .brokenPipe)
            #expect(try second.read(upTo: 1) == [])
            try second.write("y")
            #expect(try first.read(upTo: 1) == Array("y".utf8))
        }
    }

    @Test
    func `is refused to a second thread, and the error names both`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let first = spawn(name: "early") { try left.write([UInt8](repeating: 1, count: 8 << 20)) }
            try settle()
            let second = spawn(name: "late") { try left.write("x") }
            let error = try #require(failure { try second.wait() })
            #expect(error.code == .resourceBusy)
            #expect(error.message.contains("\(first)") && error.message.contains("\(second)"), "\(error)")
            #expect(try right.readExactly(8 << 20).count == 8 << 20)
            try first.wait()
        }
    }
}
