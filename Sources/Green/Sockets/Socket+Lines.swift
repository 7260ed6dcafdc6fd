internal import CGreen

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
    /// - Parameter limit: The maximum length of a line in bytes, including its end; at least one. Memory grows as bytes
    ///   arrive, so a large limit uses no memory by itself.
    /// - Returns: The line; nil at the end of the stream.
    /// - Throws: As every read; see ``Socket``. A ``SystemError`` with the code `messageTooLong` when no line ends
    ///   within the limit; what came is still unread.
    @available(*, noasync)
    public func readLine(limit: Int = 65536) throws -> String? {
        try checked(limit, "limit", atLeast: 1)
        var start: UnsafeRawPointer?
        let length = try check(unsafe green_receive_line(readable, limit, &start))
        guard length > 0 else { return nil }
        let line = unsafe text(of: UnsafeRawBufferPointer(start: start, count: length))
        unsafe green_consume(handle, length)
        return line
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
