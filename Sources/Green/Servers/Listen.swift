internal import CGreen

/// Listens for connections.
///
/// ```swift
/// let listener = try listen(on: "127.0.0.1:6000")
/// ```
///
/// Port 0 selects a free port; see ``Listener/address``. The socket file of a unix server that no longer runs is
/// replaced. Closing the listener removes its socket file, but not a file that has replaced it. A host name is looked
/// up, and its first address is used. Blocks only for the look-up.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that an earlier program's connections have not quite left.
///   - reusePort: Share the port, and its connections, with other listeners that ask for the same.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
/// - Returns: The listener.
/// - Throws: A ``SystemError`` that says what to do, with the code `addressInUse`, `permissionDenied` for a port below
///   1024, `addressNotAvailable` and so on, or as ``SocketAddress/resolve(_:timeout:)``.
@available(*, noasync)
public func listen(
    on host: String,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false
) throws -> Listener {
    var handle: OpaquePointer?
    let host = try checked(host, "host")
    var options = try listenOptions(backlog, reuseAddress, reusePort, ipv6Only)
    try check(unsafe green_listen(&handle, host, &options))
    return unsafe Listener(owning: handle!)
}

/// Listens for connections on an address.
///
/// Like ``listen(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``, but never blocks.
///
/// - Parameters:
///   - address: Where to listen.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that an earlier program's connections have not quite left.
///   - reusePort: Share the port, and its connections, with other listeners that ask for the same.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
/// - Returns: The listener.
/// - Throws: A ``SystemError`` that says what to do, with the code `addressInUse`, `permissionDenied` for a port below
///   1024, `addressNotAvailable` and so on.
@available(*, noasync)
public func listen(
    on address: SocketAddress,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    reusePort: Bool = false,
    ipv6Only: Bool = false
) throws -> Listener {
    var handle: OpaquePointer?
    var options = try listenOptions(backlog, reuseAddress, reusePort, ipv6Only)
    try unsafe withUnsafePointer(to: address.storage) {
        _ = try check(unsafe green_listen_address(&handle, $0, &options))
    }
    return unsafe Listener(owning: handle!)
}

private func listenOptions(
    _ backlog: Int?,
    _ reuseAddress: Bool,
    _ reusePort: Bool,
    _ ipv6Only: Bool
) throws -> green_listen_options {
    try green_listen_options(
        backlog: Int32(clamping: checked(backlog, "backlog", atLeast: 1) ?? 0),
        reuse_port: reusePort,
        no_reuse_address: !reuseAddress,
        ipv6_only: ipv6Only
    )
}
