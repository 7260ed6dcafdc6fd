internal import CGreen
internal import SystemPackage

extension Socket {
    /// The handle for a read, which would move away what a body of `withReceived` is looking at.
    var readable: OpaquePointer {
        get throws {
            if isLending {
                throw SystemError(
                    code: .resourceBusy,
                    message: "read: the bytes lent by withReceived are still in use: read after its body has returned"
                )
            }
            return handle
        }
    }

    /// Reads what there is, up to the size of the buffer.
    ///
    /// - Parameter buffer: Where to put it. Its memory is the caller's until the call has returned.
    /// - Returns: How many bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_read(readable, base, buffer.count))
    }

    /// Reads what there is, up to the size of the span.
    ///
    /// - Parameter span: Where to put it, from its beginning.
    /// - Returns: How many bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func read(into span: inout MutableRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads what there is, up to the free capacity of the span, behind what is already there.
    ///
    /// - Parameter span: Where to append it.
    /// - Returns: How many bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func read(into span: inout OutputRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { bytes, initialized in
            let count = try unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...]))
            initialized += count
            return count
        }
    }

    /// Reads what there is over the elements of an array, up to its count.
    ///
    /// ```swift
    /// var buffer = [UInt8](repeating: 0, count: 4096)
    /// let count = try socket.read(into: &buffer)
    /// try peer.write(buffer[..<count])
    /// ```
    ///
    /// - Parameter array: Where to put it, from its first element. Its count does not change.
    /// - Returns: How many bytes; 0 at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func read(into array: inout [UInt8]) throws -> Int {
        try unsafe array.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads what there is, up to a number of bytes, into a new array.
    ///
    /// It waits without an array and makes one of the size that came, so that idle connections hold no memory.
    ///
    /// - Parameter count: The maximum number of bytes. With 0 it does not wait.
    /// - Returns: The bytes; none at the end of the stream.
    /// - Throws: As every read; see ``Socket``.
    @available(*, noasync)
    public func read(upTo count: Int) throws -> [UInt8] {
        guard try checked(count, "count") > 0 else { return [] }
        return try withReceived { bytes, consumed in
            consumed = min(count, bytes.byteCount)
            return unsafe bytes.withUnsafeBytes { unsafe Array(unsafe $0.prefix(consumed)) }
        }
    }

    /// Reads exactly a number of bytes.
    ///
    /// Memory for more than 1 MiB grows as bytes arrive, so a number from a peer uses no memory by itself.
    ///
    /// - Parameter count: The number of bytes. With 0 it does not wait.
    /// - Returns: The bytes.
    /// - Throws: As every read; see ``Socket``. A ``SystemError`` with the code `noData` that tells how many came
    ///   when the stream ends before.
    @available(*, noasync)
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
