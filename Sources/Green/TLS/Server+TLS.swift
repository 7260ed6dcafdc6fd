#if TLS
internal import CGreen

extension Server {
    /// Listens on an address for TLS connections, and runs the handler for each in a green thread of its own, on one of
    /// the hubs.
    ///
    /// Like ``init(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:handler:)``. All
    /// hubs share the settings: a client may resume its session on any of them, and ``TLS/reload(_:)`` changes them for
    /// all. The first call that reads or writes performs the handshake of a connection, on the hub of its handler.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - hubs: The hubs.
    ///   - distribution: How connections reach the hubs.
    ///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's
    ///     maximum.
    ///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
    ///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
    ///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
    ///   - tls: The server's TLS settings, such as its certificates.
    ///   - concurrency: The maximum number of handlers that run at the same time on each hub, at least one.
    ///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
    ///   - onError: Called in the handler's thread with any error that ended the handler; the server continues.
    ///   - handler: Called with the client's socket and address. The client is closed when the handler ends.
    /// - Throws: The errors of
    ///   ``init(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:handler:)``. A
    ///   ``SystemError`` with the code `invalidArgument` if the settings are those of a client.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(
        on host: String,
        hubs: HubPool,
        distribution: Distribution = .automatic,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        ipv6Only: Bool = false,
        tls: TLS,
        concurrency: Int = 1000,
        stackSize: Int? = nil,
        onError: (@Sendable (any Error) -> Void)? = nil,
        handler: @escaping @Sendable (_ client: Socket, _ address: SocketAddress) throws -> Void
    ) throws {
        let host = try checked(host, "host")
        let listen = try listenOptions(backlog, reuseAddress, false, ipv6Only)
        var options = try serverOptions(distribution, listen, concurrency, stackSize)
        try unsafe self.init(Service(handler: handler, onError: onError)) { server, service in
            unsafe green_tls_server_start(server, host, hubs.handle, &options, tls.context, handleClient, service)
        }
    }

    /// Starts a TLS server, and waits until it has ended.
    ///
    /// Like ``serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)``.
    ///
    /// ``/Green/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:tls:concurrency:stackSize:onError:_:)`` is the
    /// same as a free function.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - hubs: The hubs.
    ///   - distribution: How connections reach the hubs.
    ///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's
    ///     maximum.
    ///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
    ///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
    ///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
    ///   - tls: The server's TLS settings, such as its certificates.
    ///   - concurrency: The maximum number of handlers that run at the same time on each hub, at least one.
    ///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
    ///   - onError: Called in the handler's thread with any error that ended the handler; the server continues.
    ///   - handler: Called with the client's socket and address. The client is closed when the handler ends.
    /// - Throws: The errors of
    ///   ``init(on:hubs:distribution:backlog:reuseAddress:ipv6Only:tls:concurrency:stackSize:onError:handler:)`` and
    ///   ``wait(timeout:)``. If the caller is killed or its ``Timeout`` fires, that error; the server is stopped then,
    ///   and its handlers are killed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func serve(
        on host: String,
        hubs: HubPool,
        distribution: Distribution = .automatic,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        ipv6Only: Bool = false,
        tls: TLS,
        concurrency: Int = 1000,
        stackSize: Int? = nil,
        onError: (@Sendable (any Error) -> Void)? = nil,
        _ handler: @escaping @Sendable (_ client: Socket, _ address: SocketAddress) throws -> Void
    ) throws {
        let server = try Server(
            on: host,
            hubs: hubs,
            distribution: distribution,
            backlog: backlog,
            reuseAddress: reuseAddress,
            ipv6Only: ipv6Only,
            tls: tls,
            concurrency: concurrency,
            stackSize: stackSize,
            onError: onError,
            handler: handler
        )
        try server.run()
    }
}

/// Listens on an address for TLS connections, and runs the handler for each in a green thread of its own, on one of the
/// hubs.
///
/// The same as
/// ``Server/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:tls:concurrency:stackSize:onError:_:)``.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - hubs: The hubs.
///   - distribution: How connections reach the hubs.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
///   - tls: The server's TLS settings, such as its certificates.
///   - concurrency: The maximum number of handlers that run at the same time on each hub, at least one.
///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
///   - onError: Called in the handler's thread with any error that ended the handler; the server continues.
///   - handler: Called with the client's socket and address. The client is closed when the handler ends.
/// - Throws: The errors of
///   ``Server/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:tls:concurrency:stackSize:onError:_:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func serve(
    on host: String,
    hubs: HubPool,
    distribution: Server.Distribution = .automatic,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    ipv6Only: Bool = false,
    tls: TLS,
    concurrency: Int = 1000,
    stackSize: Int? = nil,
    onError: (@Sendable (any Error) -> Void)? = nil,
    _ handler: @escaping @Sendable (_ client: Socket, _ address: SocketAddress) throws -> Void
) throws {
    try Server.serve(
        on: host,
        hubs: hubs,
        distribution: distribution,
        backlog: backlog,
        reuseAddress: reuseAddress,
        ipv6Only: ipv6Only,
        tls: tls,
        concurrency: concurrency,
        stackSize: stackSize,
        onError: onError,
        handler
    )
}
#endif
