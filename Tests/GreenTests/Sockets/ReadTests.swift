import Green
import Testing

@Suite("Reading from a socket")
struct ReadTests {
    @Test
    func `fills an array, a raw buffer or a span with the available bytes`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("abcdefgh")
            var array: [UInt8] = [0, 0, 0]
            #expect(try right.read(into: &array) == 3)
            #expect(array == Array("abc".utf8))
            let count = try unsafe array.withUnsafeMutableBytes { try unsafe right.read(into: $0) }
            #expect(count == 3)
            #expect(array == Array("def".utf8))
            var span = array.mutableSpan
            var bytes = unsafe span.mutableBytes
            #expect(try right.read(into: &bytes) == 2)
            #expect(array == Array("ghf".utf8))
            left.close()
            #expect(try right.read(into: &array) == 0)
        }
    }

    @Test
    func `into nothing returns at once`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            var empty: [UInt8] = []
            #expect(try right.read(into: &empty) == 0)
            #expect(try right.readExactly(0) == [])
            left.close()
        }
    }

    @Test
    func `up to a count leaves the rest for later`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("abcde")
            #expect(try right.read(upTo: 2) == Array("ab".utf8))
            #expect(try right.read(upTo: 100) == Array("cde".utf8))
            left.close()
            #expect(try right.read(upTo: 100) == [])
            #expect(try right.read(upTo: 100) == [])
        }
    }

    @Test
    func `of an exact count waits for all bytes`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { try right.readExactly(6) }
            for text in ["ab", "cd", "efgh"] {
                try left.write(text)
                try settle()
            }
            #expect(try reader.wait() == Array("abcdef".utf8))
            try left.shutdown(.writing)
            let error = try #require(failure { try right.readExactly(5) })
            #expect(error.code == .noData)
            #expect(error.message.hasPrefix("the stream ended after 2 of 5 bytes"))
        }
    }

    @Test
    func `loses no bytes by a kill`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { try right.readExactly(6) }
            try left.write("abc")
            try settle()
            try reader.kill()
            #expect(throws: GreenExit.self) { try reader.wait() }
            try left.write("def")
            #expect(try right.readExactly(6) == Array("abcdef".utf8))
        }
    }

    @Test
    func `is refused to a second thread, and the error names both`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let first = spawn(name: "early") { try right.read(upTo: 1) }
            try GreenThread.yield()
            let second = spawn(name: "late") { try right.read(upTo: 1) }
            let error = try #require(failure { try second.wait() })
            #expect(error.code == .resourceBusy)
            #expect(error.message.contains("\(first)") && error.message.contains("\(second)"), "\(error)")
            try left.write("x")
            #expect(try first.wait() == Array("x".utf8))
        }
    }

    @Test
    func `passes the receive buffer, and consumes what the body has used`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("abcd")
            let first = try right.withReceived { bytes, consumed in
                consumed = 1
                return unsafe bytes.unsafeLoad(as: UInt8.self)
            }
            #expect(first == UInt8(ascii: "a"))
            #expect(throws: Mistake(number: 1)) { try right.withReceived { _ in throw Mistake(number: 1) } }
            let unused = try right.withReceived { bytes, consumed in
                consumed = 0
                return bytes.byteCount
            }
            #expect(unused == 3)
            #expect(try right.withReceived { $0.byteCount } == 3)
            left.close()
            #expect(try right.withReceived { $0.isEmpty })
        }
    }

    @Test
    func `is refused while a body uses the receive buffer`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("abcd")
            let codes = try right.withReceived { bytes in
                [failure { try right.read(upTo: 1) }?.code, failure { try right.readLine() }?.code]
            }
            #expect(codes == [.resourceBusy, .resourceBusy])
            try left.write("e")
            #expect(try right.read(upTo: 1) == Array("e".utf8))
        }
    }

    @Test
    func `holds no buffer while it waits`() throws {
        try onHub { () throws in
            let pairs = try (0..<100).map { _ in try Socket.pair() }
            let readers = pairs.map { pair in spawn { try pair.1.read(upTo: 100).count } }
            try settle()
            #expect(try Hub.statistics.buffers == 0)
            for pair in pairs {
                try pair.0.write("xyz")
            }
            for reader in readers {
                #expect(try reader.wait() == 3)
            }
        }
    }
}
