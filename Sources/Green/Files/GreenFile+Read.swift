internal import CGreen
internal import SystemPackage

extension GreenFile {
    /// Reads at the position, and advances it: as many bytes as fit, or as there are up to the end. From a pipe, it
    /// reads the available bytes.
    ///
    /// - Parameter buffer: The buffer for the bytes. It must stay valid until the call returns.
    /// - Returns: The number of bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_file_read(handle, base, buffer.count))
    }

    /// Reads at the position over the elements of an array, and advances the position.
    ///
    /// - Parameter array: The array to fill, from its first element. Its count does not change.
    /// - Returns: The number of bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into array: inout [UInt8]) throws -> Int {
        try unsafe array.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads at the position into a span, and advances the position.
    ///
    /// - Parameter span: The span to fill, from its beginning.
    /// - Returns: The number of bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(into span: inout MutableRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads at the position into a new array, and advances the position. Memory grows as bytes arrive.
    ///
    /// - Parameter count: The maximum number of bytes.
    /// - Returns: The bytes; none at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(upTo count: Int) throws -> [UInt8] {
        guard try checked(count, "count") > largestBuffer else {
            return try unsafe [UInt8](upTo: count) { try unsafe read(into: $0) }
        }
        // A stream returns the available bytes in one piece. From a file, read the next pieces.
        guard let start = try? position else { return try read(upTo: largestBuffer) }
        let bytes = try read(upTo: count) { done, piece in try read(fromAbsoluteOffset: start + done, upTo: piece) }
        try seek(to: start + Int64(bytes.count))
        return bytes
    }

    /// Reads from the position to the end of the file. If that fails, the bytes that were read are lost, and the
    /// position is behind them.
    ///
    /// - Parameter limit: The maximum number of bytes, 0 or more. A pipe may never end.
    /// - Returns: The bytes.
    /// - Throws: The errors of every read; see ``GreenFile``. A ``SystemError`` with the code `messageTooLong` if there
    ///   are more bytes than the limit.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func readAll(limit: Int = .max) throws -> [UInt8] {
        try checked(limit, "limit")
        var bytes: [UInt8] = []
        while true {
            // Reads one more byte, to find out whether the file ends at the limit.
            let piece = try read(upTo: min(pieceSize, limit - bytes.count).addingOne)
            if piece.isEmpty {
                return bytes
            }
            guard piece.count <= limit - bytes.count else {
                throw SystemError(
                    code: .messageTooLong,
                    message: "cannot read all of a file: it exceeds the limit of \(limit) bytes"
                )
            }
            bytes += piece
        }
    }

    /// Reads at an offset. Does not use or change the position. It corresponds to pread(2).
    ///
    /// - Parameters:
    ///   - offset: The offset in bytes from the beginning.
    ///   - buffer: The buffer for the bytes. It must stay valid until the call returns.
    /// - Returns: The number of bytes; 0 at the end or behind it.
    /// - Throws: The errors of every read; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` if the file
    ///   has no offsets, or `invalidArgument` for a negative offset.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(fromAbsoluteOffset offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_file_read_at(handle, base, buffer.count, offset))
    }

    /// Reads at an offset into a new array. Does not use or change the position. It corresponds to pread(2).
    ///
    /// - Parameters:
    ///   - offset: The offset in bytes from the beginning.
    ///   - count: The maximum number of bytes. Memory grows as bytes arrive.
    /// - Returns: The bytes; none at the end or behind it.
    /// - Throws: The errors of every read; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` if the file
    ///   has no offsets, or `invalidArgument` for a negative offset.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func read(fromAbsoluteOffset offset: Int64, upTo count: Int) throws -> [UInt8] {
        guard try checked(count, "count") > largestBuffer else {
            return try unsafe [UInt8](upTo: count) { try unsafe read(fromAbsoluteOffset: offset, into: $0) }
        }
        return try read(upTo: count) { done, piece in
            let (next, overflows) = offset.addingReportingOverflow(done)
            return overflows ? [] : try read(fromAbsoluteOffset: next, upTo: piece)
        }
    }

    /// Reads piece by piece, up to the first short piece.
    private func read(upTo count: Int, _ readPiece: (_ done: Int64, _ piece: Int) throws -> [UInt8]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let wanted = min(count - bytes.count, largestBuffer)
            let piece = try readPiece(Int64(bytes.count), wanted)
            bytes += piece
            guard piece.count == wanted else { break }
        }
        return bytes
    }
}

extension [UInt8] {
    /// Creates an array with the bytes of one read, at most the given number.
    fileprivate init(upTo count: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
        try unsafe self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try unsafe read(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

/// The maximum number of bytes to allocate before they arrive.
private let largestBuffer = 1 << 20

/// The number of bytes to read at a time if the end is not known.
private let pieceSize = 64 * 1024

extension Int {
    fileprivate var addingOne: Int { self == .max ? self : self + 1 }
}
