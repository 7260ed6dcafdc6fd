/// Calls the body with the bytes of a collection, which are copied only if it does not store them contiguously.
@inlinable
func withContiguousBytes(
    of bytes: some Collection<UInt8>,
    _ body: (UnsafeRawBufferPointer) throws -> Void
) throws {
    let done: Void? = try bytes.withContiguousStorageIfAvailable { try unsafe body(UnsafeRawBufferPointer($0)) }
    if done == nil {
        try unsafe Array(bytes).withUnsafeBytes(body)
    }
}
