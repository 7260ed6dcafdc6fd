internal import CGreen

extension Socket {
    /// Makes a datagram socket: UDP, or unix.
    ///
    /// - Parameter address: Where to receive; port 0 is any free one, which ``localAddress`` then tells.
    /// - Returns: The socket.
    /// - Throws: A ``SystemError``, with the code `addressInUse`, `addressNotAvailable` or `tooManyOpenFiles`.
    @available(*, noasync)
    public static func datagram(at address: SocketAddress) throws -> Socket {
        var handle: OpaquePointer?
        try unsafe withUnsafePointer(to: address.storage) {
            _ = try check(unsafe green_datagram_open(&handle, $0))
        }
        return unsafe Socket(owning: handle!)
    }

    /// Receives one datagram. Blocks until one has come.
    ///
    /// - Parameter buffer: Where to put it.
    /// - Returns: Its size, which is larger than the buffer when its end was cut off, and who sent it.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> (size: Int, sender: SocketAddress) {
        var none: UInt8 = 0
        var from = green_address()
        let size = try unsafe withUnsafeMutablePointer(to: &none) {
            try check(unsafe green_receive_from(readable, buffer.baseAddress ?? .init($0), buffer.count, &from))
        }
        return (size, SocketAddress(from))
    }

    /// Receives one datagram. Blocks until one has come.
    ///
    /// - Parameter count: The maximum number of bytes. No UDP datagram is larger than the default. From a larger unix
    ///   datagram, at most 16 MiB are received.
    /// - Returns: The datagram.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func receive(upTo count: Int = 65536) throws -> Datagram {
        let count = min(try checked(count, "count"), 16 << 20)
        return try unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { buffer in
            let (size, sender) = try unsafe receive(into: buffer)
            return unsafe Datagram(
                bytes: Array(unsafe buffer.prefix(size)),
                sender: sender,
                isTruncated: size > count
            )
        }
    }

    /// Sends one datagram. Blocks while the kernel has no room for it.
    ///
    /// - Parameters:
    ///   - bytes: What it holds.
    ///   - address: Who is to get it.
    /// - Throws: As every write; see ``Socket``. A ``SystemError`` with the code `messageTooLong` when it is larger
    ///   than the network takes.
    @available(*, noasync)
    public func send(_ bytes: RawSpan, to address: SocketAddress) throws {
        try unsafe bytes.withUnsafeBytes { bytes in
            var none: UInt8 = 0
            try unsafe withUnsafePointer(to: address.storage) { address in
                try unsafe withUnsafePointer(to: &none) {
                    _ = try check(unsafe green_send_to(handle, bytes.baseAddress ?? .init($0), bytes.count, address))
                }
            }
        }
    }

    /// Sends one datagram. Blocks while the kernel has no room for it.
    ///
    /// - Parameters:
    ///   - bytes: What it holds.
    ///   - address: Who is to get it.
    /// - Throws: As every write; see ``Socket``. A ``SystemError`` with the code `messageTooLong` when it is larger
    ///   than the network takes.
    @available(*, noasync)
    public func send(_ bytes: [UInt8], to address: SocketAddress) throws {
        try unsafe send(bytes.span.bytes, to: address)
    }
}
