internal import CGreen
internal import SystemPackage

extension Socket {
    /// Returns whether an error is a failure of this connection.
    ///
    /// It is if the last read or the last write of this socket failed with it. Such errors are: the peer reset the
    /// connection, the TLS handshake failed, a line was too long, the peer was silent for longer than ``readTimeout``,
    /// or the socket was closed. Interrupts and lack of memory do not count. A server uses this to distinguish a lost
    /// client from its own failures, as ``Listener/serve(concurrency:stackSize:onError:_:)`` does.
    ///
    /// - Parameter error: The error, or an error that contains it in a stored property or an associated value.
    /// - Returns: Whether this connection failed with the same code.
    public func hasFailed(with error: any Error) -> Bool {
        failures(in: error, depth: 0).contains { unsafe green_socket_failed_with(handle, -$0.rawValue) }
    }
}

/// The error codes of a value and of the values that it contains.
private func failures(in value: Any, depth: Int) -> [Errno] {
    let deepest = 8
    if let error = value as? SystemError { return [error.code] }
    #if TLS
    if value is TLSError { return [.protocolError] }
    #endif
    let mirror = Mirror(reflecting: value)
    // Errors, and the values that may wrap them: optionals, results, structures.
    let isPlain = mirror.displayStyle.map { [.enum, .optional, .struct, .tuple].contains($0) } ?? false
    guard depth < deepest, isPlain || value is any Error else { return [] }
    return sequence(first: mirror, next: \.superclassMirror).flatMap { mirror in
        mirror.children.flatMap { failures(in: $0.value, depth: depth + 1) }
    }
}
