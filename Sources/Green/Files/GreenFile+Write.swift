internal import CGreen

extension GreenFile {
    /// Writes all the bytes at the position, and advances it. A file that was opened with `append` is written at its
    /// end; the position still advances by the number of bytes.
    ///
    /// - Parameter bytes: The bytes to write. They must stay valid until the call returns.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return try checkInterrupt() }
        try check(unsafe green_file_write(handle, base, bytes.count))
    }

    /// Writes all the bytes at the position, and advances it.
    ///
    /// - Parameter bytes: The bytes to write.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ bytes: RawSpan) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// Writes all the bytes of a collection, such as an array, the `utf8` of a string or a `Data`, at the position, and
    /// advances it. They are copied only if the collection does not store them contiguously.
    ///
    /// - Parameter bytes: The bytes to write.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func write(_ bytes: some Collection<UInt8>) throws {
        try unsafe withContiguousBytes(of: bytes) { try unsafe write($0) }
    }

    /// Writes all the text as UTF-8 at the position, and advances it.
    ///
    /// - Parameter text: The text to write. No end of line is added.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ text: some StringProtocol) throws {
        try write(text.utf8)
    }

    /// Writes all the bytes at an offset. Does not use or change the position. It corresponds to pwrite(2).
    ///
    /// - Parameters:
    ///   - offset: The offset in bytes from the beginning. A file that was opened with `append` is written at its end
    ///     in any case.
    ///   - bytes: The bytes to write. They must stay valid until the call returns.
    /// - Throws: The errors of every write; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` if the
    ///   file has no offsets, or `invalidArgument` for a negative offset.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(toAbsoluteOffset offset: Int64, _ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return try checkInterrupt() }
        try check(unsafe green_file_write_at(handle, base, bytes.count, offset))
    }

    /// Writes all the bytes at an offset. Does not use or change the position. It corresponds to pwrite(2).
    ///
    /// - Parameters:
    ///   - offset: The offset in bytes from the beginning.
    ///   - bytes: The bytes to write.
    /// - Throws: The errors of every write; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` if the
    ///   file has no offsets, or `invalidArgument` for a negative offset.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func write(toAbsoluteOffset offset: Int64, _ bytes: some Collection<UInt8>) throws {
        try unsafe withContiguousBytes(of: bytes) { try unsafe write(toAbsoluteOffset: offset, $0) }
    }
}
