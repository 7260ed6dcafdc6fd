internal import CGreen

extension Socket {
    /// Reads a line, and removes its end, "\n" or "\r\n".
    ///
    /// ```swift
    /// while let line = try client.readLine() {
    ///     try client.write("you said: \(line)\n")
    /// }
    /// ```
    ///
    /// Invalid UTF-8 is repaired. A last line without an end counts as a line. A thread that waits for the beginning of
    /// a line holds no buffer.
    ///
    /// - Parameter limit: The maximum length of a line in bytes, including its end; at least one. Memory grows as bytes
    ///   arrive, so a large limit uses no memory by itself.
    /// - Returns: The line; nil at the end of the stream.
    /// - Throws: The errors of every read; see ``Socket``. A ``SystemError`` with the code `messageTooLong` if no line
    ///   ends within the limit; the bytes are still unread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// The lines until the end of the stream, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for line in client.lines {
    ///     try client.write("you said: \(line.get())\n")
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. The first failure is the last element. A `while let`
    /// loop with ``readLine(limit:)`` is simpler.
    public var lines: Lines {
        Lines(socket: self)
    }

    /// A sequence of the lines of a socket, which reads each line on demand.
    public struct Lines: Sequence, IteratorProtocol {
        fileprivate let socket: Socket
        private var hasEnded = false

        fileprivate init(socket: Socket) {
            self.socket = socket
        }

        /// Reads the next line, like ``Socket/readLine(limit:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<String, any Error>? {
            nextElement(&hasEnded) { try socket.readLine() }
        }

        /// The lines for `for try await` in `async` functions. Read it on the hub of the socket.
        ///
        /// ```swift
        /// for try await line in lines {
        ///     await store.add(line)
        /// }
        /// ```
        public var values: HubSequence<String> {
            HubSequence { [socket] in try socket.readLine() }
        }
    }
}

@available(*, unavailable)
extension Socket.Lines: Sendable {}
