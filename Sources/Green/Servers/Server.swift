internal import CGreen

/// A server on all hubs of a pool.
///
/// ```swift
/// let hubs = try HubPool()
/// let server = try Server(on: "0.0.0.0:80", hubs: hubs) { client, address in
///     while let line = try client.readLine() {
///         try client.write("\(address) said: \(line)\n")
///     }
/// }
/// try Signals([.terminate]).next()
/// try server.stop(drainingFor: .seconds(10))
/// ```
///
/// The handlers run on several OS threads at the same time, so the handler must be `Sendable`, and with it what it
/// captures. Objects that belong to one OS thread, such as a ``Queue`` or another client's ``Socket``, are not; pass
/// values through a ``Channel``.
///
/// ``serve(on:hubs:distribution:backlog:reuseAddress:ipv6Only:concurrency:stackSize:onError:_:)`` is the blocking form.
/// ``serve(_:concurrency:stackSize:onError:_:)`` serves on one hub.
///
/// A server runs until it is stopped or a handler ends it, even if no reference to it remains. It keeps its pool. Any
/// OS thread may use it.
@safe
public final class Server: Sendable {
    /// How connections reach the hubs. Those of a unix socket are always handed over.
    public enum Distribution: Hashable, CaseIterable, Sendable {
        /// Green's choice.
        case automatic

        /// One hub accepts all connections, and hands each to the hub with the fewest.
        case handOver

        /// Each hub has a listener, and the kernel selects one for each connection (`SO_REUSEPORT`).
        case reusePort
    }

    /// Owned. The core's server may be used by any OS thread.
    @safe private nonisolated(unsafe) let handle: OpaquePointer

    /// It locks what may change; its handler is `Sendable`.
    @safe private nonisolated(unsafe) let service: Service

    /// Listens on an address, and runs the handler for each connection in a green thread of its own, on one of the
    /// hubs.
    ///
    /// Blocks until all hubs accept connections. Port 0 selects a free port; see ``address``. The errors of handlers
    /// have the effects that ``Listener/serve(concurrency:stackSize:onError:_:)`` describes; where that call ends, the
    /// server ends on all hubs, and ``wait(timeout:)`` returns or throws.
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
    /// - Throws: The errors of ``Listener/init(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``. A
    ///   ``SystemError`` with the code `invalidArgument` if a parameter is out of range, or `noSuchProcess` if the pool
    ///   is closed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(
        on host: String,
        hubs: HubPool,
        distribution: Distribution = .automatic,
        backlog: Int? = nil,
        reuseAddress: Bool = true,
        ipv6Only: Bool = false,
        concurrency: Int = 1000,
        stackSize: Int? = nil,
        onError: (@Sendable (any Error) -> Void)? = nil,
        handler: @escaping @Sendable (_ client: Socket, _ address: SocketAddress) throws -> Void
    ) throws {
        let host = try checked(host, "host")
        let listen = try listenOptions(backlog, reuseAddress, false, ipv6Only)
        var options = try serverOptions(distribution, listen, concurrency, stackSize)
        try unsafe self.init(Service(handler: handler, onError: onError)) { server, service in
            unsafe green_server_start(server, host, hubs.handle, &options, handleClient, service)
        }
    }

    /// Starts the server by a call of the core, which owns the service's reference, also if it fails.
    init(
        _ service: Service,
        _ start: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutableRawPointer) -> Int32
    ) throws {
        var handle: OpaquePointer?
        try check(unsafe start(&handle, Unmanaged.passRetained(service).toOpaque()))
        unsafe self.handle = handle!
        self.service = service
    }

    deinit {
        unsafe green_server_release(handle)
    }
}

extension Server {
    /// The address that the server is bound to, with the actual port.
    public var address: SocketAddress {
        var address = green_address()
        unsafe green_server_address(handle, &address)
        return SocketAddress(address)
    }

    /// Waits until the server has ended, by ``stop(drainingFor:)``, ``StopServe`` or an error. Call it on any OS
    /// thread.
    ///
    /// Handlers that are still running then continue to run.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: The error of the handler that ended the server, or the error that ended it on one of the hubs. A
    ///   ``SystemError`` with the code `timedOut` if the timeout expires. If the caller is killed or its ``Timeout``
    ///   fires while it waits, that error. In the last two cases the server continues.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func wait(timeout: Duration? = nil) throws {
        try waitForEnd(timeout: timeout)
        try throwFailure()
    }

    /// Stops the server, and drains its clients.
    ///
    /// Accepts the connections in the kernel's queue, stops listening, and waits for the handlers of all accepted
    /// connections to run and end, within the server's `concurrency` limit. At the end of `grace` it closes the
    /// connections whose handler has not started, kills the remaining handlers and waits for them to end. A handler may
    /// call this; it neither waits for that handler nor kills it. Call it on any OS thread.
    ///
    /// - Parameter grace: How long the handlers may continue to run; nil means no limit. With zero, the connections in
    ///   the queue are reset.
    /// - Returns: The number of handlers that were killed or had not started.
    /// - Throws: If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func stop(drainingFor grace: Duration? = nil) throws -> Int {
        Int(try check(unsafe green_server_stop(handle, grace.timeout)))
    }

    /// The number of running handlers on a hub of the pool. Other OS threads may change it at any time.
    ///
    /// - Parameter index: The index of the hub in the pool. Without such a hub, the call ends the process.
    public func runningCount(onHub index: Int) -> Int {
        precondition(index >= 0, "the hubs of a pool are counted from 0")
        return unsafe Int(green_server_running(handle, index))
    }

    func waitForEnd(timeout: Duration?) throws {
        try check(unsafe green_server_wait(handle, timeout.timeout))
    }

    func throwFailure() throws {
        if let failure = service.end() {
            throw failure
        }
    }
}

/// The core's options of a server.
func serverOptions(
    _ distribution: Server.Distribution,
    _ listen: green_listen_options,
    _ concurrency: Int,
    _ stackSize: Int?
) throws -> green_server_options {
    var options = green_server_options()
    options.distribution =
        switch distribution {
        case .automatic: GREEN_DISTRIBUTE_DEFAULT
        case .handOver: GREEN_HAND_OVER
        case .reusePort: GREEN_REUSE_PORT
        }
    options.listen = listen
    options.serve.concurrency = try checked(concurrency, "concurrency", atLeast: 1)
    options.serve.stack_size = stackBytes(stackSize)
    unsafe options.serve.discard = releaseService
    return options
}
