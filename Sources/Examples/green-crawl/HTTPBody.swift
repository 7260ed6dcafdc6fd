import Green

/// The body of a response, whose head says where it ends.
struct HTTPBody {
    private enum End {
        case after(Int)
        case withLastChunk
        case withConnection
    }

    private var lines: HTTPLines
    private let end: End
    private let limit: Int
    private(set) var size = 0

    /// - Parameters:
    ///   - head: The head of the response.
    ///   - lines: The source of the head.
    ///   - limit: The maximum number of bytes.
    init(of head: HTTPHead, from lines: HTTPLines, limit: Int) throws {
        self.lines = lines
        self.limit = limit
        end = try HTTPBody.end(of: head)
        if case .after(let length) = end, length > limit {
            throw tooLarge
        }
    }

    /// Reads the body to its end, and passes each piece to the function when it arrives.
    mutating func read(_ take: (RawSpan) throws -> Void) throws {
        switch end {
        case .after(let length):
            try read(length, take)
        case .withLastChunk:
            while case let length = try chunkSize(), length > 0 {
                guard length <= limit - size else { throw tooLarge }
                try read(length, take)
                guard try lines.next().isEmpty else {
                    throw CrawlError("a chunk of the response is longer than its size says")
                }
            }
            _ = try lines.fields()
        case .withConnection:
            // Reads one byte more than the limit, to detect a larger body.
            while try readPiece(upTo: max(limit - size, 1), take) > 0 {
                guard size <= limit else { throw tooLarge }
            }
        }
    }

    /// RFC 9112, section 6.3.
    private static func end(of head: HTTPHead) throws -> End {
        guard head.status != 204, head.status != 304 else { return .after(0) }
        let codings = head.values(of: "transfer-encoding").joined(separator: ",").lowercased()
        guard codings.isEmpty || codings == "chunked" else {
            throw CrawlError("transfer coding \(quote(codings)) was not requested")
        }
        guard codings.isEmpty else { return .withLastChunk }
        let lengths = Set(head.values(of: "content-length").flatMap { $0.split(separator: ",").map(\.trimmed) })
        guard let text = lengths.first else { return .withConnection }
        guard lengths.count == 1, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let length = Int(text) else {
            throw CrawlError("\(quote(lengths.sorted().joined(separator: ", "))) is not a Content-Length")
        }
        return .after(length)
    }

    private mutating func chunkSize() throws -> Int {
        // The limit of the body also limits the number of chunks.
        lines.reset()
        let line = try lines.next()
        let digits = line.prefix { $0 != ";" }.trimmed
        guard digits.allSatisfy(\.isHexDigit), let size = Int(digits, radix: 16) else {
            throw CrawlError("\(quote(line)) is not the size of a chunk")
        }
        return size
    }

    private mutating func read(_ length: Int, _ take: (RawSpan) throws -> Void) throws {
        var left = length
        while left > 0 {
            let count = try readPiece(upTo: left, take)
            guard count > 0 else {
                throw CrawlError("the connection ended \(left) bytes before the end of the response")
            }
            left -= count
        }
    }

    /// Passes the available bytes to the function, and returns their number; 0 at the end of the connection.
    private mutating func readPiece(upTo most: Int, _ take: (RawSpan) throws -> Void) throws -> Int {
        let count = try lines.socket.withReceived { bytes, consumed in
            consumed = min(most, bytes.byteCount)
            try take(bytes.extracting(first: consumed))
            return consumed
        }
        size += count
        // Reading available bytes does not block, so this runs the other threads.
        try GreenThread.yield()
        return count
    }

    private var tooLarge: CrawlError {
        CrawlError("it exceeds the limit of \(limit) bytes")
    }
}
