import Green

/// The head of a response: the status line and the fields up to the empty line.
struct HTTPHead {
    let status: Int
    private let fields: [(name: String, value: String)]

    /// All values of a field. The name must be in lower case.
    func values(of name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// The first value of a field.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// Reads the head of the final response, and skips interim responses, whose status is 1xx.
    static func read(from lines: inout HTTPLines) throws -> HTTPHead {
        while true {
            let head = try HTTPHead(from: &lines)
            guard head.status != 101 else { throw CrawlError("the server switches to another protocol than HTTP") }
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
            throw CrawlError("the server does not speak HTTP/1.1: its response begins with \(quote(line))")
        }
        self.status = status
        fields = try lines.fields()
    }
}

/// Reads the lines of a head, or of the fields after a chunked body, up to a limit.
struct HTTPLines {
    private static let limit = 64 * 1024

    let socket: Socket
    private var left = limit

    init(_ socket: Socket) {
        self.socket = socket
    }

    /// Resets the count of bytes.
    mutating func reset() {
        left = HTTPLines.limit
    }

    mutating func next() throws -> String {
        let line: String?
        do {
            line = try socket.readLine(limit: max(left, 1))
        } catch let error as SystemError where error.code == .messageTooLong {
            throw CrawlError("the header of the response exceeds \(HTTPLines.limit) bytes")
        }
        guard let line else { throw CrawlError("the connection ended before the end of the response") }
        left -= line.utf8.count + 2
        return line
    }

    /// Reads fields up to an empty line. Returns their names in lower case.
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
