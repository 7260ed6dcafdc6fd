#if TLS
internal import CGreen

/// Listens for TLS connections.
///
/// Like ``listen(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``. The first call that reads or writes
/// performs the handshake of a connection, so a silent client blocks only its own handler, and not for longer than
/// ``TLS/Options/handshakeTimeout``.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that an earlier program's connections have not quite left.
///   - reusePort: Share the port, and its connections, with other listeners that ask for the same.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
///   - tls: The server's certificates and so on.
/// - Returns: The listener.
/// - Throws: The same errors as ``listen(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)`` throws.
@available(*, noasync)
public func listen(
    on host: String,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false,
    tls: TLS
) throws -> Listener {
    let listener = try listen(
        on: host,
        backlog: backlog,
        reuseAddress: reuseAddress,
        reusePort: reusePort,
        ipv6Only: ipv6Only
    )
    try listener.useTLS(tls)
    return listener
}

extension Listener {
    /// Every connection that is accepted from here on is a TLS one; with nil, a plain one.
    ///
    /// - Parameter tls: The server's certificates and so on.
    /// - Throws: A ``SystemError`` when the listener belongs to another OS thread.
    @available(*, noasync)
    public func useTLS(_ tls: TLS?) throws {
        try check(unsafe green_tls_listen(handle, tls?.context))
    }
}
#endif
