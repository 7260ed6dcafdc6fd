internal import CGreen
internal import SystemPackage

extension GreenFile {
    /// Reads at the file's position and moves it: as much as fits, or as there is up to the end. From a pipe, what has
    /// come.
    ///
    /// - Parameter buffer: Where to put it. Its memory is the caller's until the call has returned.
    /// - Returns: How many bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync)
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_file_read(handle, base, buffer.count))
    }

    /// Reads at the file's position and moves it, over the elements of an array.
    ///
    /// - Parameter array: Where to put it, from its first element. Its count does not change.
    /// - Returns: How many bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync)
    public func read(into array: inout [UInt8]) throws -> Int {
        try unsafe array.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads at the file's position and moves it, into a span.
    ///
    /// - Parameter span: Where to put it, from its beginning.
    /// - Returns: How many bytes; 0 at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync)
    public func read(into span: inout MutableRawSpan) throws -> Int {
        try unsafe span.withUnsafeMutableBytes { try unsafe read(into: $0) }
    }

    /// Reads into a new array at the file's position, and advances the position. Memory grows as bytes arrive.
    ///
    /// - Parameter count: The maximum number of bytes.
    /// - Returns: The bytes; none at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync)
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

    /// Reads from the file's position to its end. When that fails, what was read until then is lost, and the position is
    /// behind it.
    ///
    /// - Parameter limit: The maximum number of bytes, 0 or more. A pipe may never end.
    /// - Returns: The bytes.
    /// - Throws: As every read; see ``GreenFile``. A ``SystemError`` with the code `messageTooLong` when there are more
    ///   than the limit; those that were read are lost then.
    @available(*, noasync)
    public func readAll(limit: Int = .max) throws -> [UInt8] {
        try checked(limit, "limit")
        var bytes: [UInt8] = []
        while true {
            // One more tells whether the limit is also the end.
            let piece = try read(upTo: min(pieceSize, limit - bytes.count).addingOne)
            if piece.isEmpty {
                return bytes
            }
            guard piece.count <= limit - bytes.count else {
                throw SystemError(
                    code: .messageTooLong,
                    message: "reading all of a file: it has more than the limit of \(limit) bytes"
                )
            }
            bytes += piece
        }
    }

    /// Reads at an offset, without a look at the file's position.
    ///
    /// - Parameters:
    ///   - offset: Where to read, from the beginning of the file.
    ///   - buffer: Where to put it. Its memory is the caller's until the call has returned.
    /// - Returns: How many bytes; 0 at the end or behind it.
    /// - Throws: As every read; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` when it has no offsets,
    ///   `invalidArgument` for a negative one.
    @available(*, noasync)
    public func read(fromAbsoluteOffset offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else {
            try checkInterrupt()
            return 0
        }
        return try check(unsafe green_file_read_at(handle, base, buffer.count, offset))
    }

    /// Reads at an offset into a new array, without a look at the file's position.
    ///
    /// - Parameters:
    ///   - offset: Where to read, from the beginning of the file.
    ///   - count: The maximum number of bytes. Memory grows as bytes arrive.
    /// - Returns: The bytes; none at the end or behind it.
    /// - Throws: As every read; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` when it has no offsets,
    ///   `invalidArgument` for a negative one.
    @available(*, noasync)
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
    /// Makes an array with the bytes of one read, at most the given number.
    fileprivate init(upTo count: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
        try unsafe self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try unsafe read(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

/// The maximum number of bytes to allocate before they arrive.
private let largestBuffer = 1 << 20

/// How much is read at a time where the end is not known.
private let pieceSize = 64 * 1024

extension Int {
    fileprivate var addingOne: Int { self == .max ? self : self + 1 }
}
