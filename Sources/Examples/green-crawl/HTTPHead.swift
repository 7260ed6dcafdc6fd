import Green

/// The beginning of a response: the status line and the fields up to the empty line.
struct HTTPHead {
    let status: Int
    private let fields: [(name: String, value: String)]

    /// All the values of a field, whose name is to be given in lower case.
    func values(of name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// The first value of a field.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// Reads heads up to that of the final response: those in front of it, of status 1xx, only say that it will come.
    static func read(from lines: inout HTTPLines) throws -> HTTPHead {
        while true {
            let head = try HTTPHead(from: &lines)
            guard head.status != 101 else { throw CrawlError("the server wants to speak something else than HTTP") }
            if head.status >= 200 {
                return head
            }
        }
    }

    private init(from lines: inout HTTPLines) throws {
        let line = try lines.next()
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0",
            parts[1].utf8.count == 3, let status = Int(parts[1]), 100...599 ~= status
        else {
            throw CrawlError("this is not HTTP/1.1: it answers with \(quote(line))")
        }
        self.status = status
        fields = try lines.fields()
    }
}

/// The lines of a head, or of the fields behind a chunked body, and how many bytes of them are still acceptable.
struct HTTPLines {
    private static let limit = 64 * 1024

    let socket: Socket
    private var left = limit

    init(_ socket: Socket) {
        self.socket = socket
    }

    /// Begins to count anew.
    mutating func reset() {
        left = HTTPLines.limit
    }

    mutating func next() throws -> String {
        let line: String?
        do {
            line = try socket.readLine(limit: max(left, 1))
        } catch let error as SystemError where error.code == .messageTooLong {
            throw CrawlError("the header of the answer has more than \(HTTPLines.limit) bytes")
        }
        guard let line else { throw CrawlError("the connection ended before the answer did") }
        left -= line.utf8.count + 2
        return line
    }

    /// Reads fields up to an empty line. Their names are handed out in lower case.
    mutating func fields() throws -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        while case let line = try next(), !line.isEmpty {
            if line.utf8.first == UInt8(ascii: " ") || line.utf8.first == UInt8(ascii: "\t"),
                let last = fields.indices.last
            {
                fields[last].value += " \(line.trimmed)"
                continue
            }
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                throw CrawlError("\(quote(line)) is not a line of an HTTP header")
            }
            let value = line[line.utf8.index(after: colon)...]
            fields.append((line[..<colon].trimmed.lowercased(), value.trimmed))
        }
        return fields
    }
}
