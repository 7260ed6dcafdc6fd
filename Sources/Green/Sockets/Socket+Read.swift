internal import CGreen
internal import SystemPackage

extension Socket {
    /// The handle for a read. A read would move the bytes that a body of `withReceived` uses.
    var readable: OpaquePointer {
        get throws {
            if isLending {
                throw SystemError(
                    code: .resourceBusy,
                    message: "read: the body of withReceived still uses the receive buffer; read after it has returned"
                )
            }
            return handle
        }
    }

    /// Reads the available bytes, up to the size of the buffer. Blocks until there are some.
    ///
    /// - Parameter buffer: The buffer for the bytes. It must stay valid until the call returns.
    /// - Returns: The number of bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_read(readable, base, buffer.count))
    }

    /// Reads the available bytes, up to the size of the span. Blocks until there are some.
    ///
    /// - Parameter span: The span to fill, from its beginning.
    /// - Returns: The number of bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into span: inout MutableRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Appends the available bytes to a span, up to its free capacity. Blocks until there are some.
    ///
    /// - Parameter span: The span to append to.
    /// - Returns: The number of bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into span: inout OutputRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { bytes, initialized in
            let count = try unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...]))
            initialized += count
            return count
        }
    }

    /// Reads the available bytes over the elements of an array, up to its count. Blocks until there are some.
    ///
    /// ```swift
    /// var buffer = [UInt8](repeating: 0, count: 4096)
    /// let count = try socket.read(into: &buffer)
    /// try peer.write(buffer[..<count])
    /// ```
    ///
    /// - Parameter array: The array to fill, from its first element. Its count does not change.
    /// - Returns: The number of bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into array: inout [UInt8]) throws -> Int {
        try unsafe array.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads the available bytes, up to a number, into a new array. Blocks until there are some.
    ///
    /// The array is allocated when the bytes have arrived, so an idle connection holds no memory.
    ///
    /// - Parameter count: The maximum number of bytes. With 0 it does not block.
    /// - Returns: The bytes; none at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(upTo count: Int) throws -> [UInt8] {
        guard try checked(count, "count") > 0 else { return [] }
        return try withReceived { bytes, consumed in
            consumed = min(count, bytes.byteCount)
            return unsafe bytes.withUnsafeBytes { unsafe Array(unsafe $0.prefix(consumed)) }
        }
    }

    /// Reads exactly the given number of bytes. Blocks until they have arrived.
    ///
    /// Memory for more than 1 MiB grows as bytes arrive, so a number from a peer uses no memory by itself.
    ///
    /// - Parameter count: The number of bytes. With 0 it does not block.
    /// - Returns: The bytes.
    /// - Throws: The errors of every read; see ``Socket``. A ``SystemError`` with the code `noData` if the stream ends
    ///   before; its message says how many bytes arrived.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func readExactly(_ count: Int) throws -> [UInt8] {
        guard try checked(count, "count") > 0 else {
            try checkInterrupt()
            return []
        }
        guard count <= largestBuffer else { return try readMany(count) }
        return try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let base = buffer.baseAddress else { return }
            initialized = try check(unsafe green_read_exactly(readable, base, count))
        }
    }

    /// Reads an exact number of bytes through the core's memory.
    private func readMany(_ count: Int) throws -> [UInt8] {
        var start: UnsafeRawPointer?
        try check(unsafe green_receive_exactly(readable, count, &start))
        defer { unsafe green_consume(handle, count) }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// The maximum number of bytes to allocate before they arrive.
private let largestBuffer = 1 << 20
