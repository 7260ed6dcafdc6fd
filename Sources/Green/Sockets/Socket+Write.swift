internal import CGreen

extension Socket {
    /// Writes all the bytes.
    ///
    /// - Parameter bytes: The bytes to write. They must stay valid until the call returns.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return try checkInterrupt() }
        try check(unsafe green_write(handle, base, bytes.count))
    }

    /// Writes all the bytes.
    ///
    /// - Parameter bytes: The bytes to write.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ bytes: RawSpan) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// Writes all the bytes.
    ///
    /// - Parameter bytes: The bytes to write.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// Writes all the bytes of a collection, such as a slice, the `utf8` of a string or a `Data`. They are copied only
    /// if the collection does not store them contiguously.
    ///
    /// - Parameter bytes: The bytes to write.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func write(_ bytes: some Collection<UInt8>) throws {
        try unsafe withContiguousBytes(of: bytes) { try unsafe write($0) }
    }

    /// Writes all the text as UTF-8.
    ///
    /// - Parameter text: The text to write. No end of line is added.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ text: String) throws {
        try write(text.utf8)
    }

    /// Writes all the text as UTF-8.
    ///
    /// - Parameter text: The text to write. No end of line is added.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(_ text: Substring) throws {
        try write(text.utf8)
    }

    /// Writes all the pieces, in order, without joining them, in as few packets as possible. It corresponds to
    /// writev(2).
    ///
    /// ```swift
    /// try client.write(contentsOf: [header.utf8, body.utf8])
    /// ```
    ///
    /// - Parameter pieces: The pieces to write.
    /// - Throws: As every write; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func write(contentsOf pieces: [some Collection<UInt8>]) throws {
        guard !pieces.isEmpty else { return try checkInterrupt() }
        var rest = pieces[...]
        while !rest.isEmpty {
            var vectors: [iovec] = unsafe []
            try unsafe gather(rest.prefix(maxPieces), into: &vectors)
            rest = rest.dropFirst(maxPieces)
        }
    }

    /// Recurses through the pieces, so that all are pinned at once, and writes them at the end of the recursion.
    private func gather(_ pieces: ArraySlice<some Collection<UInt8>>, into vectors: inout [iovec]) throws {
        guard let piece = pieces.first else {
            try unsafe check(green_writev(handle, &vectors, Int32(vectors.count)))
            return
        }
        let written: Void? = try piece.withContiguousStorageIfAvailable {
            unsafe vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count))
            try unsafe gather(pieces.dropFirst(), into: &vectors)
        }
        if written == nil {
            try unsafe gather([Array(piece)] + pieces.dropFirst().map { Array($0) }, into: &vectors)
        }
    }
}

/// The maximum number of pieces in one system call: each takes some stack.
private let maxPieces = 64
