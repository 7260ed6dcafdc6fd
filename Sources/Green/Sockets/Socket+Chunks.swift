extension Socket {
    /// The bytes until the end of the stream, in chunks as they arrive, for a `for` loop and the algorithms of
    /// sequences.
    ///
    /// ```swift
    /// for chunk in client.chunks() {
    ///     try peer.write(chunk.get())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. The first failure is the last element. A loop with
    /// ``read(upTo:)`` is simpler. In `async` functions, iterate over ``Chunks/values``.
    ///
    /// - Parameter limit: The maximum number of bytes of a chunk; at least one.
    public func chunks(upTo limit: Int = 65536) -> Chunks {
        Chunks(socket: self, limit: limit)
    }

    /// A sequence of the bytes of a socket, which reads each chunk on demand.
    public struct Chunks: Sequence, IteratorProtocol {
        private let socket: Socket
        private let limit: Int
        private var hasEnded = false

        fileprivate init(socket: Socket, limit: Int) {
            self.socket = socket
            self.limit = limit
        }

        /// Reads the next chunk, like ``Socket/read(upTo:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<[UInt8], any Error>? {
            nextElement(&hasEnded) { try Chunks.next(of: socket, limit) }
        }

        private static func next(of socket: Socket, _ limit: Int) throws -> [UInt8]? {
            let bytes = try socket.read(upTo: try checked(limit, "limit", atLeast: 1))
            return bytes.isEmpty ? nil : bytes
        }

        /// The chunks for `for try await` in `async` functions. Read it on the hub of the socket.
        public var values: HubSequence<[UInt8]> {
            HubSequence { [socket, limit] in try Chunks.next(of: socket, limit) }
        }
    }
}

@available(*, unavailable)
extension Socket.Chunks: Sendable {}
