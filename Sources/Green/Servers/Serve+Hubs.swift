/// Listens on an address, and runs the handler for each connection in a green thread of its own, on one of the hubs.
///
/// ```swift
/// try serve(on: "0.0.0.0:80", hubs: HubPool()) { client, address in
///     while let line = try client.readLine() {
///         try client.write("\(address) said: \(line)\n")
///     }
/// }
/// ```
///
/// Blocks until a handler throws ``StopServe``; handlers that are still running then continue to run. To stop the
/// server from outside, for example at a signal, use a ``Server``, which also describes the rest.
///
/// The same as ``Server/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)``.
///
/// - Parameters:
///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
///   - hubs: The hubs.
///   - distribution: How connections reach the hubs.
///   - backlog: The maximum number of connections in the kernel's queue, at least one; nil means the system's maximum.
///   - reuseAddress: Take a port that connections of an earlier program still occupy in the state TIME_WAIT.
///   - ipv6Only: On `[::]`, accept no IPv4 clients and leave the port free for an IPv4 listener. The default is
///     the system's `net.ipv6.bindv6only`; normally `[::]` accepts both.
///   - concurrency: The maximum number of handlers that run at the same time on each hub, at least one.
///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
///   - onError: Called in the handler's thread with any error that ended the handler; the server continues.
///   - handler: Called with the client's socket and address. The client is closed when the handler ends.
/// - Throws: The errors of
///   ``Server/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func serve(
    on host: String,
    hubs: HubPool,
    distribution: Server.Distribution = .automatic,
    backlog: Int? = nil,
    reuseAddress: Bool = true,
    ipv6Only: Bool = false,
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
        concurrency: concurrency,
        stackSize: stackSize,
        onError: onError,
        handler
    )
}

extension Server {
    /// Starts a server, and waits until it has ended.
    ///
    /// Blocks until a handler throws ``StopServe``; handlers that are still running then continue to run.
    ///
    /// ``/Green/serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)`` is the
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
    ///   - concurrency: The maximum number of handlers that run at the same time on each hub, at least one.
    ///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
    ///   - onError: Called in the handler's thread with any error that ended the handler; the server continues.
    ///   - handler: Called with the client's socket and address. The client is closed when the handler ends.
    /// - Throws: The errors of
    ///   ``init(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:handler:)`` and
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
            concurrency: concurrency,
            stackSize: stackSize,
            onError: onError,
            handler: handler
        )
        try server.run()
    }

    /// Waits for the end. If the wait is interrupted, nobody else could stop the server. The stop kills all handlers, and
    /// waits for them as long as a shield lets it.
    func run() throws {
        do {
            try waitForEnd(timeout: nil)
        } catch {
            _ = try? withCancellationShield { try stop(drainingFor: .zero) }
            throw error
        }
        try throwFailure()
    }
}
