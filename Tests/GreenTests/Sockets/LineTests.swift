import Green
import Testing

@Suite("Reading lines")
struct LineTests {
    private func lines(of bytes: [UInt8], limit: Int = 65536) throws -> [String] {
        let (left, right) = try Socket.pair()
        try left.write(bytes)
        left.close()
        var lines: [String] = []
        while let line = try right.readLine(limit: limit) {
            lines.append(line)
        }
        return lines
    }

    @Test
    func `strips one line end of either kind`() throws {
        try onHub { () throws in
            #expect(try lines(of: Array("a\nb\r\n\n\r\nc\rd\n\r\r\n".utf8)) == ["a", "b", "", "", "c\rd", "\r"])
        }
    }

    @Test
    func `counts a last line without an end`() throws {
        try onHub { () throws in
            #expect(try lines(of: Array("a\nlast".utf8)) == ["a", "last"])
            #expect(try lines(of: Array("last\r".utf8)) == ["last\r"])
            #expect(try lines(of: []) == [])
        }
    }

    @Test
    func `repairs invalid UTF-8 and keeps the valid text`() throws {
        try onHub { () throws in
            #expect(try lines(of: [0x61, 0xFF, 0x62, 0x0A]) == ["a\u{FFFD}b"])
            #expect(try lines(of: Array("grün 🌱\n".utf8)) == ["grün 🌱"])
            #expect(try lines(of: [0x61, 0, 0x62, 0x0A]) == ["a\0b"])
        }
    }

    @Test
    func `joins the pieces in which a line arrives`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { [try right.readLine(), try right.readLine(), try right.readLine()] }
            for piece in ["o", "n", "e\r", "\ntw", "o\nthree"] {
                try left.write(piece)
                try settle()
            }
            left.close()
            #expect(try reader.wait() == ["one", "two", "three"])
        }
    }

    @Test
    func `refuses a line beyond the limit and leaves it unread`() throws {
        try onHub { () throws in
            #expect(try lines(of: Array("1234\n".utf8), limit: 5) == ["1234"])
            let (left, right) = try Socket.pair()
            try left.write("123456\nx")
            #expect(failure { try right.readLine(limit: 5) }?.code == .messageTooLong)
            #expect(try right.readLine() == "123456")
        }
    }

    @Test
    func `reads a line that is longer than any buffer`() throws {
        try onHub { () throws in
            let text = String(repeating: "0123456789", count: 50_000)
            let (left, right) = try Socket.pair()
            let writer = spawn { try left.write(text + "\nnext\n") }
            #expect(try right.readLine(limit: 1 << 20) == text)
            #expect(try right.readLine() == "next")
            try writer.wait()
        }
    }

    @Test
    func `is a sequence that ends with the failure`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            try left.write("a\nb\n")
            left.close()
            #expect(try right.lines.map { try $0.get() } == ["a", "b"])
            right.close()
            let results = Array(right.lines)
            #expect(results.count == 1)
            #expect(failure { try results.first?.get() }?.code == .badFileDescriptor)
        }
    }
}
