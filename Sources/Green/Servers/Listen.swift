/// Listens for connections on an address or a host name.
///
/// ```swift
/// let listener = try listen(on: "127.0.0.1:6000")
/// ```
///
/// The same as ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``. Where the name collides
/// with listen(2) of Glibc or with a method, use that.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
///   - reusePort: Share the port, and its connections, with other listeners that set this.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
/// - Returns: The listener.
/// - Throws: The errors of ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func listen(
    on host: String,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false
) throws -> Listener {
    try Listener(on: host, backlog: backlog, reuseAddress: reuseAddress, reusePort: reusePort, ipv6Only: ipv6Only)
}

/// Listens for connections on an address. Does not block.
///
/// The same as ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(SocketAddress,_,_,_,_)``.
///
/// - Parameters:
///   - address: The address to listen on.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
///   - reusePort: Share the port, and its connections, with other listeners that set this.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
/// - Returns: The listener.
/// - Throws: The errors of ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(SocketAddress,_,_,_,_)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func listen(
    on address: SocketAddress,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false
) throws -> Listener {
    try Listener(on: address, backlog: backlog, reuseAddress: reuseAddress, reusePort: reusePort, ipv6Only: ipv6Only)
}
