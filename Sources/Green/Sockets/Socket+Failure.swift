internal import CGreen
internal import SystemPackage

extension Socket {
    /// Whether an error is the failure of this connection.
    ///
    /// That is what the last call that read, or the last one that wrote, has thrown: the peer has reset the connection,
    /// its TLS handshake has failed, it has sent too long a line, it was silent for longer than ``readTimeout``, the
    /// socket was closed, and so on. Interrupts do not count, nor does a lack of memory. A server tells by it a client
    /// that has gone from a failure of its own; ``serve(_:concurrency:stackSize:onError:_:)`` does.
    ///
    /// - Parameter error: The error, or one that holds it in a stored property or an associated value.
    /// - Returns: Whether this connection has failed with the same code.
    public func hasFailed(with error: any Error) -> Bool {
        failures(in: error, depth: 0).contains { unsafe green_socket_failed_with(handle, -$0.rawValue) }
    }
}

/// The codes of the failures that a value is or holds.
private func failures(in value: Any, depth: Int) -> [Errno] {
    let deepest = 8
    if let error = value as? SystemError { return [error.code] }
    #if TLS
    if value is TLSError { return [.protocolError] }
    #endif
    let mirror = Mirror(reflecting: value)
    // Errors, and what may stand between one and another: optionals, results, structures.
    let isPlain = mirror.displayStyle.map { [.enum, .optional, .struct, .tuple].contains($0) } ?? false
    guard depth < deepest, isPlain || value is any Error else { return [] }
    return sequence(first: mirror, next: \.superclassMirror).flatMap { mirror in
        mirror.children.flatMap { failures(in: $0.value, depth: depth + 1) }
    }
}
