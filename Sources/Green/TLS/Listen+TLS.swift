#if TLS
internal import CGreen

/// Listens for TLS connections.
///
/// The same as ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:tls:)``.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
///   - reusePort: Share the port, and its connections, with other listeners that set this.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
///   - tls: The server's TLS settings, such as its certificates.
/// - Returns: The listener.
/// - Throws: The errors of ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:tls:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func listen(
    on host: String,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false,
    tls: TLS
) throws -> Listener {
    try Listener(
        on: host,
        backlog: backlog,
        reuseAddress: reuseAddress,
        reusePort: reusePort,
        ipv6Only: ipv6Only,
        tls: tls
    )
}

extension Listener {
    /// Listens for TLS connections.
    ///
    /// Like ``init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``. The first call that reads or writes
    /// performs the handshake of a connection, so a silent client blocks only its own handler, and not for longer than
    /// ``TLS/Options/handshakeTimeout``.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
    ///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
    ///   - reusePort: Share the port, and its connections, with other listeners that set this.
    ///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
    ///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
    ///   - tls: The server's TLS settings, such as its certificates.
    /// - Throws: The errors of ``init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(
        on host: String,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        reusePort: Bool = false,
        ipv6Only: Bool = false,
        tls: TLS
    ) throws {
        try self.init(
            on: host,
            backlog: backlog,
            reuseAddress: reuseAddress,
            reusePort: reusePort,
            ipv6Only: ipv6Only
        )
        try useTLS(tls)
    }

    /// Makes every connection that is accepted from now on a TLS connection, or with nil a plain one. Does not block.
    ///
    /// - Parameter tls: The server's TLS settings, such as its certificates.
    /// - Throws: A ``SystemError`` if the listener belongs to another OS thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func useTLS(_ tls: TLS?) throws {
        try check(unsafe green_tls_listen(handle, tls?.context))
    }
}
#endif
