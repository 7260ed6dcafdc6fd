/// Connects to an address or a host name.
///
/// ```swift
/// let socket = try connect(to: "example.org:80", timeout: .seconds(5))
/// ```
///
/// The same as ``Socket/connect(to:from:timeout:)-(String,_,_)``. Where the name collides with connect(2) of Glibc or
/// with a method, use that.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - source: The local address to connect from; nil leaves the choice to the system.
///   - timeout: The time limit for everything, including the name look-up; nil means no limit.
/// - Returns: The connected socket.
/// - Throws: The errors of ``Socket/connect(to:from:timeout:)-(String,_,_)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func connect(to host: String, from source: SocketAddress? = nil, timeout: Duration? = nil) throws -> Socket {
    try Socket.connect(to: host, from: source, timeout: timeout)
}

/// Connects to a port of a host.
///
/// The same as ``Socket/connect(toHost:port:from:timeout:)``.
///
/// - Parameters:
///   - host: A name, an IPv4 address, or an IPv6 address with or without brackets.
///   - port: The port.
///   - source: The local address to connect from; nil leaves the choice to the system.
///   - timeout: The time limit for everything, including the name look-up; nil means no limit.
/// - Returns: The connected socket.
/// - Throws: The errors of ``Socket/connect(toHost:port:from:timeout:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func connect(
    toHost host: String,
    port: UInt16,
    from source: SocketAddress? = nil,
    timeout: Duration? = nil
) throws -> Socket {
    try Socket.connect(toHost: host, port: port, from: source, timeout: timeout)
}

/// Connects to an address.
///
/// The same as ``Socket/connect(to:from:timeout:)-(SocketAddress,_,_)``.
///
/// - Parameters:
///   - address: The address of the peer.
///   - source: The local address to connect from; nil leaves the choice to the system.
///   - timeout: The time limit; nil means no limit.
/// - Returns: The connected socket.
/// - Throws: The errors of ``Socket/connect(to:from:timeout:)-(SocketAddress,_,_)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func connect(
    to address: SocketAddress,
    from source: SocketAddress? = nil,
    timeout: Duration? = nil
) throws -> Socket {
    try Socket.connect(to: address, from: source, timeout: timeout)
}
