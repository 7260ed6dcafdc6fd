internal import CGreen

extension Socket {
    /// Connects to an address or a host name.
    ///
    /// ```swift
    /// let socket = try Socket.connect(to: "example.org:80", timeout: .seconds(5))
    /// ```
    ///
    /// Tries the addresses of a host name in order. If the name has IPv4 and IPv6 addresses, the next attempt starts
    /// 250 ms after the previous one, and the first connection is kept. Sets ``SocketOption/noDelay``. Blocks until there
    /// is a connection. A kill or a ``Timeout`` of the calling thread interrupts it.
    ///
    /// ``/Green/connect(to:from:timeout:)-(String,_,_)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - host: `host:port`, or any form of ``SocketAddress/init(parsing:)``.
    ///   - source: The local address to connect from; nil leaves the choice to the system. With port 0, connections to
    ///     several destinations can share one local port.
    ///   - timeout: The time limit for everything, including the name look-up; nil means no limit.
    /// - Returns: The connected socket.
    /// - Throws: A ``SystemError`` for the last address tried, with the code `connectionRefused` (also where TCP would
    ///   have connected the socket to itself), `timedOut`, `noRouteToHost`, `tooManyOpenFiles` or another code of
    ///   connect(2). The errors of ``SocketAddress/resolve(_:timeout:)``. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func connect(
        to host: String,
        from source: SocketAddress? = nil,
        timeout: Duration? = nil
    ) throws -> Socket {
        let host = try checked(host, "host")
        return try unsafe connect(from: source, timeout: timeout) { unsafe green_connect($0, host, $1) }
    }

    /// Connects to a port of a host.
    ///
    /// ```swift
    /// let socket = try Socket.connect(toHost: url.host, port: url.port)
    /// ```
    ///
    /// Like ``connect(to:from:timeout:)-(String,_,_)``, but never parses the host as another form of an address. Use it
    /// for a host from a peer, such as the host of a URL: `unix` is a host name here, not the beginning of a path.
    ///
    /// - Parameters:
    ///   - host: A name, an IPv4 address, or an IPv6 address with or without brackets.
    ///   - port: The port.
    ///   - source: The local address to connect from; nil leaves the choice to the system.
    ///   - timeout: The time limit for everything, including the name look-up; nil means no limit.
    /// - Returns: The connected socket.
    /// - Throws: The errors of ``connect(to:from:timeout:)-(String,_,_)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func connect(
        toHost host: String,
        port: UInt16,
        from source: SocketAddress? = nil,
        timeout: Duration? = nil
    ) throws -> Socket {
        let host = try checked(host, "host")
        return try unsafe connect(from: source, timeout: timeout) { unsafe green_connect_host($0, host, port, $1) }
    }

    /// Connects to an address.
    ///
    /// Sets ``SocketOption/noDelay``. Blocks until there is a connection. A kill or a ``Timeout`` of the calling thread
    /// interrupts it.
    ///
    /// - Parameters:
    ///   - address: The address of the peer.
    ///   - source: The local address to connect from; nil leaves the choice to the system. With port 0, connections to
    ///     several destinations can share one local port.
    ///   - timeout: The time limit; nil means no limit.
    /// - Returns: The connected socket.
    /// - Throws: A ``SystemError`` with the code `connectionRefused`, `timedOut`, `noRouteToHost`, `tooManyOpenFiles` or
    ///   another code of connect(2). If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func connect(
        to address: SocketAddress,
        from source: SocketAddress? = nil,
        timeout: Duration? = nil
    ) throws -> Socket {
        try unsafe connect(from: source, timeout: timeout) { handle, options in
            unsafe withUnsafePointer(to: address.storage) { unsafe green_connect_address(handle, $0, options) }
        }
    }

    /// Connects by a call of the core.
    static func connect(
        from source: SocketAddress?,
        timeout: Duration?,
        _ call: (UnsafeMutablePointer<OpaquePointer?>, UnsafePointer<green_connect_options>) -> Int32
    ) throws -> Socket {
        var handle: OpaquePointer?
        var options = unsafe green_connect_options()
        if let timeout {
            // To the core, 0 is no timeout.
            unsafe options.timeout = max(timeout.nanoseconds, 1)
        }
        let result: Int32
        if let source {
            result = unsafe withUnsafePointer(to: source.storage) {
                unsafe options.from = unsafe $0
                return unsafe call(&handle, &options)
            }
        } else {
            result = unsafe call(&handle, &options)
        }
        try check(result)
        return unsafe Socket(owning: handle!)
    }
}
