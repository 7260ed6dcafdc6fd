internal import CGreen

extension Socket {
    /// Creates a datagram socket, UDP or unix.
    ///
    /// - Parameter address: The address to receive on. Port 0 selects a free port; see ``localAddress``.
    /// - Returns: The socket.
    /// - Throws: A ``SystemError`` with the code `addressInUse`, `addressNotAvailable` or `tooManyOpenFiles`.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func datagram(at address: SocketAddress) throws -> Socket {
        var handle: OpaquePointer?
        try unsafe withUnsafePointer(to: address.storage) {
            _ = try check(unsafe green_datagram_open(&handle, $0))
        }
        return unsafe Socket(owning: handle!)
    }

    /// Receives one datagram. Blocks until one arrives.
    ///
    /// - Parameter buffer: The buffer for the bytes.
    /// - Returns: The size of the datagram, which is larger than the buffer if its end was cut off, and the address of
    ///   the sender.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> (size: Int, sender: SocketAddress) {
        var none: UInt8 = 0
        var from = green_address()
        let size = try unsafe withUnsafeMutablePointer(to: &none) {
            try check(unsafe green_receive_from(readable, buffer.baseAddress ?? .init($0), buffer.count, &from))
        }
        return (size, SocketAddress(from))
    }

    /// Receives one datagram. Blocks until one arrives.
    ///
    /// - Parameter count: The maximum number of bytes. No UDP datagram is larger than the default. From a larger unix
    ///   datagram, at most 16 MiB are received.
    /// - Returns: The datagram.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Sends one datagram. Blocks while the kernel's buffer is full.
    ///
    /// - Parameters:
    ///   - bytes: The bytes of the datagram.
    ///   - address: The address of the receiver.
    /// - Throws: The errors of every write; see ``Socket``. A ``SystemError`` with the code `messageTooLong` if the
    ///   datagram is larger than the network allows.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Sends one datagram. Blocks while the kernel's buffer is full.
    ///
    /// - Parameters:
    ///   - bytes: The bytes of the datagram.
    ///   - address: The address of the receiver.
    /// - Throws: The errors of every write; see ``Socket``. A ``SystemError`` with the code `messageTooLong` if the
    ///   datagram is larger than the network allows.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func send(_ bytes: [UInt8], to address: SocketAddress) throws {
        try unsafe send(bytes.span.bytes, to: address)
    }
}
