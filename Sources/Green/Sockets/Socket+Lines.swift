internal import CGreen
internal import Glibc

extension Socket {
    /// Reads a line and strips its end, "\n" or "\r\n".
    ///
    /// ```swift
    /// while let line = try client.readLine() {
    ///     try client.write("you said: \(line)\n")
    /// }
    /// ```
    ///
    /// Invalid UTF-8 in it is repaired. A last line without an end counts. A thread that waits for the beginning of
    /// a line holds no buffer.
    ///
    /// - Parameter limit: The bytes that a line may have, its end included.
    /// - Returns: The line; nil at the end of the stream.
    /// - Throws: As every read; see ``Socket``. A ``SystemError`` with the code `messageTooLong` when no line ends
    ///   within the limit; what came is still unread.
    @available(*, noasync)
    public func readLine(limit: Int = 65536) throws -> String? {
        var start: UnsafeRawPointer?
        let count = try check(unsafe green_receive(readable, &start))
        guard count > 0, let start = unsafe start else { return nil }
        guard let end = unsafe memchr(start, 0x0A, min(count, limit)) else {
            return try readLongLine(limit: limit)
        }
        let length = unsafe UnsafeRawPointer(end) - start + 1
        let line = unsafe text(of: UnsafeRawBufferPointer(start: start, count: length))
        unsafe green_consume(handle, length)
        return line
    }

    /// Reads a line that has not come in one piece.
    private func readLongLine(limit: Int) throws -> String? {
        try unsafe withUnsafeTemporaryAllocation(byteCount: limit + 1, alignment: 1) { buffer in
            let length = try unsafe check(green_read_line(readable, buffer.baseAddress!, buffer.count))
            return length == 0 ? nil : unsafe text(of: UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        }
    }

    private func text(of line: UnsafeRawBufferPointer) -> String {
        var line = unsafe line[...]
        if unsafe line.last == UInt8(ascii: "\n") {
            unsafe line.removeLast()
            if unsafe line.last == UInt8(ascii: "\r") {
                unsafe line.removeLast()
            }
        }
        return unsafe String(decoding: UnsafeRawBufferPointer(rebasing: line), as: UTF8.self)
    }

    /// The lines up to the end of the stream, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for line in client.lines {
    ///     try client.write("you said: \(line.get())\n")
    /// }
    /// ```
    ///
    /// `for try` is for asynchronous sequences, and a `Sequence` cannot throw; so each element is a result, and the
    /// first failure is the last one. ``readLine(limit:)`` in a `while let` loop does the same with less ado.
    public var lines: Lines {
        Lines(socket: self)
    }

    /// The lines of a socket, each read when it is asked for.
    public struct Lines: Sequence, IteratorProtocol {
        fileprivate let socket: Socket
        private var hasEnded = false

        fileprivate init(socket: Socket) {
            self.socket = socket
        }

        /// Reads the next line, as ``Socket/readLine(limit:)`` does. Blocks.
        @available(*, noasync)
        public mutating func next() -> Result<String, any Error>? {
            guard !hasEnded else { return nil }
            do {
                guard let line = try socket.readLine() else {
                    hasEnded = true
                    return nil
                }
                return .success(line)
            } catch {
                hasEnded = true
                return .failure(error)
            }
        }
    }
}

@available(*, unavailable)
extension Socket.Lines: Sendable {}
