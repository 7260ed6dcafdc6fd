internal import CGreen

extension Listener {
    /// Listens for connections on an address or a host name.
    ///
    /// ```swift
    /// let listener = try Listener(on: "127.0.0.1:6000")
    /// ```
    ///
    /// Port 0 selects a free port; see ``address``. If the socket file of a unix server that no longer runs is in the
    /// way, it is replaced. Closing the listener removes its socket file, but not a file that has replaced it. For a host
    /// name, the first of its addresses is used. Blocks only for the name look-up, which a kill or a ``Timeout`` of the
    /// calling thread interrupts.
    ///
    /// ``/Green/listen(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
    ///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
    ///   - reusePort: Share the port, and its connections, with other listeners that set this.
    ///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
    ///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
    /// - Throws: A ``SystemError`` that says what to do, with the code `addressInUse`, `permissionDenied` for a port below
    ///   1024, `addressNotAvailable` or another code of bind(2) and listen(2). The errors of
    ///   ``SocketAddress/resolve(_:timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(
        on host: String,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        reusePort: Bool = false,
        ipv6Only: Bool = false
    ) throws {
        var handle: OpaquePointer?
        let host = try checked(host, "host")
        var options = try listenOptions(backlog, reuseAddress, reusePort, ipv6Only)
        try check(unsafe green_listen(&handle, host, &options))
        unsafe self.init(owning: handle!)
    }

    /// Listens for connections on an address. Does not block.
    ///
    /// Otherwise like ``init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``.
    ///
    /// - Parameters:
    ///   - address: The address to listen on.
    ///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
    ///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
    ///   - reusePort: Share the port, and its connections, with other listeners that set this.
    ///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
    ///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
    /// - Throws: A ``SystemError`` that says what to do, with the code `addressInUse`, `permissionDenied` for a port below
    ///   1024, `addressNotAvailable` or another code of bind(2) and listen(2).
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(
        on address: SocketAddress,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        reusePort: Bool = false,
        ipv6Only: Bool = false
    ) throws {
        var handle: OpaquePointer?
        var options = try listenOptions(backlog, reuseAddress, reusePort, ipv6Only)
        try unsafe withUnsafePointer(to: address.storage) {
            _ = try check(unsafe green_listen_address(&handle, $0, &options))
        }
        unsafe self.init(owning: handle!)
    }
}

/// The core's options of a listener.
func listenOptions(
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
