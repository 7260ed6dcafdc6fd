internal import CGreen
internal import SystemPackage

extension Socket {
    /// Waits until bytes arrive, and passes them to the body in their receive buffer, without a copy.
    ///
    /// ```swift
    /// while try client.withReceived({ bytes in
    ///     try client.write(bytes)
    ///     return !bytes.isEmpty
    /// }) {}
    /// ```
    ///
    /// The bytes are consumed when the body returns, and not if it throws. The body may block; reads from this socket
    /// during the body throw a ``SystemError`` with the code `resourceBusy`. A thread that waits here holds no buffer.
    ///
    /// - Parameter body: Processes the bytes, which are empty at the end of the stream.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body. The errors of every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func withReceived<Result>(_ body: (_ bytes: RawSpan) throws -> Result) throws -> Result {
        try withReceived { bytes, _ in try body(bytes) }
    }

    /// Waits until bytes arrive, and passes them to the body, which sets how many it has consumed.
    ///
    /// ```swift
    /// let version = try client.withReceived { bytes, consumed in
    ///     consumed = 1
    ///     return bytes.isEmpty ? nil : bytes.unsafeLoad(as: UInt8.self)
    /// }
    /// ```
    ///
    /// Otherwise like ``withReceived(_:)-((RawSpan)->Result)``. If the body consumes nothing, the next call gets the
    /// same bytes without waiting for more; to get more bytes, consume these first.
    ///
    /// - Parameter body: Processes the bytes. `consumed` is the number of all bytes unless the body changes it. With a
    ///   negative or too large number, the call throws a ``SystemError`` with the code `invalidArgument`, and no bytes
    ///   are consumed.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body. The errors of every read; see ``Socket``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func withReceived<Result>(
        _ body: (_ bytes: RawSpan, _ consumed: inout Int) throws -> Result
    ) throws -> Result {
        var start: UnsafeRawPointer?
        let count = try check(unsafe green_receive(readable, &start))
        var consumed = 0
        isLending = true
        defer {
            isLending = false
            unsafe green_consume(handle, consumed)
        }
        var used = count
        let result = try unsafe body(UnsafeRawBufferPointer(start: start, count: count).bytes, &used)
        guard 0...count ~= used else {
            throw SystemError(
                code: .invalidArgument,
                message: "withReceived: \(used) of \(count) bytes cannot have been consumed (EINVAL)"
            )
        }
        consumed = used
        return result
    }
}
