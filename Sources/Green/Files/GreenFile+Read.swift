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
        guard let base = buffer.baseAddress else { return 0 }
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

    /// Reads at the file's position and moves it, into a new array.
    ///
    /// - Parameter count: How many bytes at most. They are allocated before.
    /// - Returns: The bytes; none at the end.
    /// - Throws: As every read; see ``GreenFile``.
    @available(*, noasync)
    public func read(upTo count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Reads from the file's position to its end. When that fails, what was read until then is lost, and the position is
    /// behind it.
    ///
    /// - Parameter limit: How many bytes there may be. A pipe has no end of its own accord.
    /// - Returns: The bytes.
    /// - Throws: As every read; see ``GreenFile``. A ``SystemError`` with the code `messageTooLong` when there are more
    ///   than the limit; those that were read are lost then.
    @available(*, noasync)
    public func readAll(limit: Int = .max) throws -> [UInt8] {
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
        guard let base = buffer.baseAddress else { return 0 }
        return try check(unsafe green_file_read_at(handle, base, buffer.count, offset))
    }

    /// Reads at an offset into a new array, without a look at the file's position.
    ///
    /// - Parameters:
    ///   - offset: Where to read, from the beginning of the file.
    ///   - count: How many bytes at most. They are allocated before.
    /// - Returns: The bytes; none at the end or behind it.
    /// - Throws: As every read; see ``GreenFile``. A ``SystemError`` with the code `illegalSeek` when it has no offsets,
    ///   `invalidArgument` for a negative one.
    @available(*, noasync)
    public func read(fromAbsoluteOffset offset: Int64, upTo count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try unsafe read(
                fromAbsoluteOffset: offset,
                into: UnsafeMutableRawBufferPointer(buffer)
            )
        }
    }
}

/// How much is read at a time where the end is not known.
private let pieceSize = 64 * 1024

extension Int {
    fileprivate var addingOne: Int { self == .max ? self : self + 1 }
}
