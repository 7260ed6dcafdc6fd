#if TLS
internal import CGreen

extension Socket {
    /// Connects to an address or a host name, and performs the TLS handshake.
    ///
    /// ```swift
    /// let socket = try Socket.connect(to: "example.org:443", timeout: .seconds(5), tls: .client())
    /// ```
    ///
    /// Like ``connect(to:from:timeout:)-(String,_,_)``, then the handshake, which verifies the server's certificate for
    /// the host of the address.
    ///
    /// ``/Green/connect(to:from:timeout:tls:name:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - source: The local address to connect from; nil leaves the choice to the system.
    ///   - timeout: The time limit for everything; nil means no limit.
    ///   - tls: The client's TLS settings, such as the trusted authorities.
    ///   - name: The name that the server's certificate must match and that is sent to the server; nil means the host of
    ///     the address.
    /// - Returns: The connected socket.
    /// - Throws: A ``TLSError`` that says what is wrong with the server's certificate or the handshake. The errors of
    ///   ``connect(to:from:timeout:)-(String,_,_)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func connect(
        to host: String,
        from source: SocketAddress? = nil,
        timeout: Duration? = nil,
        tls: TLS,
        name: String? = nil
    ) throws -> Socket {
        let (host, name) = (try checked(host, "host"), try checked(name, "name"))
        return try unsafe connect(from: source, timeout: timeout) { handle, options in
            unsafe green_tls_connect(handle, host, options, tls.context, name)
        }
    }

    /// Connects to a port of a host, and performs the TLS handshake.
    ///
    /// Like ``connect(toHost:port:from:timeout:)``, then the handshake, which verifies the server's certificate for the
    /// host.
    ///
    /// - Parameters:
    ///   - host: A name, an IPv4 address, or an IPv6 address with or without brackets.
    ///   - port: The port.
    ///   - source: The local address to connect from; nil leaves the choice to the system.
    ///   - timeout: The time limit for everything; nil means no limit.
    ///   - tls: The client's TLS settings, such as the trusted authorities.
    ///   - name: The name that the server's certificate must match and that is sent to the server; nil means the host.
    /// - Returns: The connected socket.
    /// - Throws: The errors of ``connect(to:from:timeout:tls:name:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func connect(
        toHost host: String,
        port: UInt16,
        from source: SocketAddress? = nil,
        timeout: Duration? = nil,
        tls: TLS,
        name: String? = nil
    ) throws -> Socket {
        let (host, name) = (try checked(host, "host"), try checked(name, "name"))
        return try unsafe connect(from: source, timeout: timeout) { handle, options in
            unsafe green_tls_connect_host(handle, host, port, options, tls.context, name)
        }
    }
}

/// Connects to an address or a host name, and performs the TLS handshake.
///
/// ```swift
/// let socket = try connect(to: "example.org:443", timeout: .seconds(5), tls: .client())
/// ```
///
/// The same as ``Socket/connect(to:from:timeout:tls:name:)``.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - source: The local address to connect from; nil leaves the choice to the system.
///   - timeout: The time limit for everything; nil means no limit.
///   - tls: The client's TLS settings, such as the trusted authorities.
///   - name: The name that the server's certificate must match and that is sent to the server; nil means the host of the
///     address.
/// - Returns: The connected socket.
/// - Throws: The errors of ``Socket/connect(to:from:timeout:tls:name:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func connect(
    to host: String,
    from source: SocketAddress? = nil,
    timeout: Duration? = nil,
    tls: TLS,
    name: String? = nil
) throws -> Socket {
    try Socket.connect(to: host, from: source, timeout: timeout, tls: tls, name: name)
}

/// Connects to a port of a host, and performs the TLS handshake.
///
/// The same as ``Socket/connect(toHost:port:from:timeout:tls:name:)``.
///
/// - Parameters:
///   - host: A name, an IPv4 address, or an IPv6 address with or without brackets.
///   - port: The port.
///   - source: The local address to connect from; nil leaves the choice to the system.
///   - timeout: The time limit for everything; nil means no limit.
///   - tls: The client's TLS settings, such as the trusted authorities.
///   - name: The name that the server's certificate must match and that is sent to the server; nil means the host.
/// - Returns: The connected socket.
/// - Throws: The errors of ``Socket/connect(toHost:port:from:timeout:tls:name:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func connect(
    toHost host: String,
    port: UInt16,
    from source: SocketAddress? = nil,
    timeout: Duration? = nil,
    tls: TLS,
    name: String? = nil
) throws -> Socket {
    try Socket.connect(toHost: host, port: port, from: source, timeout: timeout, tls: tls, name: name)
}
#endif
