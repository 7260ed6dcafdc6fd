internal import CGreen
internal import SystemPackage

extension Socket {
    /// Waits until something has come and lends it to the body in place, without a copy.
    ///
    /// ```swift
    /// while try client.withReceived({ bytes in
    ///     try client.write(bytes)
    ///     return !bytes.isEmpty
    /// }) {}
    /// ```
    ///
    /// The bytes count as read when the body returns, and not when it throws. The body may block; reads from this
    /// socket meanwhile throw a ``SystemError`` with the code `resourceBusy`. A thread that waits here holds no
    /// buffer.
    ///
    /// - Parameter body: What to do with the bytes. They are empty at the end of the stream.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or as every read; see ``Socket``.
    @available(*, noasync)
    public func withReceived<Result>(_ body: (_ bytes: RawSpan) throws -> Result) throws -> Result {
        try withReceived { bytes, _ in try body(bytes) }
    }

    /// Waits until something has come, lends it to the body in place, and lets the body say how much it has used.
    ///
    /// ```swift
    /// let version = try client.withReceived { bytes, consumed in
    ///     consumed = 1
    ///     return bytes.isEmpty ? nil : bytes.unsafeLoad(as: UInt8.self)
    /// }
    /// ```
    ///
    /// As ``withReceived(_:)-((RawSpan)->Result)`` otherwise. When nothing was consumed, the next read finds the same
    /// bytes at once; to wait for more of them, read them.
    ///
    /// - Parameter body: Processes the bytes. `consumed` is the number of all bytes unless the body changes it. A
    ///   negative or too large number is a ``SystemError`` with the code `invalidArgument`; then no bytes are consumed.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or as every read; see ``Socket``.
    @available(*, noasync)
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
