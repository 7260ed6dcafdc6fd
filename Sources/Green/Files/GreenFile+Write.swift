internal import CGreen

extension GreenFile {
    /// Writes all the bytes at the file's position and moves it. A file opened with `append` is written at its end; its
    /// position moves by as much all the same.
    ///
    /// - Parameter bytes: What to write. Their memory is to stay until the call has returned.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync)
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return try checkInterrupt() }
        try check(unsafe green_file_write(handle, base, bytes.count))
    }

    /// Writes all the bytes at the file's position and moves it.
    ///
    /// - Parameter bytes: What to write.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync)
    public func write(_ bytes: RawSpan) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// Writes all the bytes at the file's position and moves it: of an array, of a string's `utf8`, of a `Data`. They
    /// are copied only where the collection does not have them in one piece.
    ///
    /// - Parameter bytes: What to write.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync)
    @inlinable
    public func write(_ bytes: some Collection<UInt8>) throws {
        let written: Void? = try bytes.withContiguousStorageIfAvailable {
            try unsafe write(UnsafeRawBufferPointer($0))
        }
        if written == nil {
            try write(Array(bytes))
        }
    }

    /// Writes all the text as UTF-8 at the file's position and moves it.
    ///
    /// - Parameter text: What to write. No end of line is added.
    /// - Throws: As every write; see ``GreenFile``.
    @available(*, noasync)
    public func write(_ text: some StringProtocol) throws {
        try write(text.utf8)
    }

    /// Writes all the bytes at an offset, without a look at the file's position.
    ///
    /// - Parameters:
    ///   - offset: Where to write, from the beginning of the file. One opened with `append` is written at its end all
    ///     the same.
    ///   - bytes: What to write. Their memory is to stay until the call has returned.
    /// - Throws: As every write; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` when it has no
    ///   offsets, `invalidArgument` for a negative one.
    @available(*, noasync)
    public func write(toAbsoluteOffset offset: Int64, _ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return try checkInterrupt() }
        try check(unsafe green_file_write_at(handle, base, bytes.count, offset))
    }

    /// Writes all the bytes at an offset, without a look at the file's position.
    ///
    /// - Parameters:
    ///   - offset: Where to write, from the beginning of the file.
    ///   - bytes: What to write.
    /// - Throws: As every write; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` when it has no
    ///   offsets, `invalidArgument` for a negative one.
    @available(*, noasync)
    @inlinable
    public func write(toAbsoluteOffset offset: Int64, _ bytes: some Collection<UInt8>) throws {
        let written: Void? = try bytes.withContiguousStorageIfAvailable {
            try unsafe write(toAbsoluteOffset: offset, UnsafeRawBufferPointer($0))
        }
        if written == nil {
            try write(toAbsoluteOffset: offset, Array(bytes))
        }
    }
}
