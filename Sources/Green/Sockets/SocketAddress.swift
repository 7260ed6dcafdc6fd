internal import CGreen

/// The address of a socket: IPv4, IPv6 or unix.
///
/// Its text forms, read by ``init(parsing:)`` and printed by `description`, are `127.0.0.1:6000`, `[::1]:6000`,
/// `[fe80::1%eth0]:6000`, `unix:/path` and, for Linux' abstract names, `unix:@name`. `:6000` and `*:6000` are every
/// local IPv4 address. A host name is not an address; ``resolve(_:timeout:)`` finds the addresses of one.
///
/// No call here blocks but `resolve`, and any thread may make them.
public struct SocketAddress: Sendable {
    var storage: green_address

    init(_ storage: green_address) {
        self.storage = storage
    }

    /// Reads the text form of an address.
    ///
    /// - Parameter text: One of the forms above.
    /// - Throws: A ``SystemError`` that says which part is wrong, with the code `invalidArgument`, or `fileNameTooLong`
    ///   for a unix path of more than 107 bytes.
    public init(parsing text: String) throws {
        let text = try checked(text, "address")
        var storage = green_address()
        try check(unsafe green_address_parse(&storage, text))
        self.init(storage)
    }

    /// Makes an address of a numeric host and a port.
    ///
    /// - Parameters:
    ///   - host: An IPv4 or IPv6 address without brackets, such as `127.0.0.1` or `::1`.
    ///   - port: The port.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` when the host is not such an address.
    public init(host: String, port: UInt16) throws {
        // With a port appended, these would be addresses although they are not numbers.
        guard !["unix", "", "*"].contains(host) else {
            throw SystemError(code: .invalidArgument, message: "host: '\(host)' is not an IP address (EINVAL)")
        }
        try self.init(parsing: host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
    }

    /// Makes the address of a unix socket.
    ///
    /// - Parameter unixPath: The path of its file, or, with an `@` before it, an abstract name.
    /// - Throws: A ``SystemError`` with the code `fileNameTooLong` when it has more than 107 bytes.
    public init(unixPath: String) throws {
        try self.init(parsing: "unix:\(unixPath)")
    }

    /// This machine as it sees itself: `127.0.0.1` and the port, of which 0 is any free one.
    public static func loopback(port: UInt16 = 0) -> SocketAddress {
        ipv4("127.0.0.1:0", port: port)
    }

    /// Every IPv4 address of this machine, to listen on, and the port, of which 0 is any free one.
    public static func any(port: UInt16 = 0) -> SocketAddress {
        ipv4("0.0.0.0:0", port: port)
    }

    private static func ipv4(_ text: String, port: UInt16) -> SocketAddress {
        var storage = green_address()
        let result = unsafe green_address_parse(&storage, text)
        precondition(result == 0, "\(text) is an address")
        unsafe green_address_set_port(&storage, port)
        return SocketAddress(storage)
    }

    /// Finds the addresses of a host name.
    ///
    /// Blocks only the calling green thread: the system's resolver runs on native threads that are only for names, 16 at
    /// most.
    ///
    /// - Parameters:
    ///   - text: `host:port`, where the host is a name or a number and the port a number or the name of a service.
    ///     Every form of ``init(parsing:)`` is taken too.
    ///   - timeout: How long to wait at most; nil is for as long as the system's resolver takes.
    /// - Returns: The addresses in the order to try them, at least one and at most 64.
    /// - Throws: A ``SystemError``, with the code `noSuchFileOrDirectory` when there is no such host,
    ///   `resourceTemporarilyUnavailable` when the name service did not answer, `timedOut` when it had not by then, and
    ///   `invalidArgument` when the text has no port or there is no such service. When the thread is killed, the error of
    ///   that kill.
    @available(*, noasync)
    public static func resolve(_ text: String, timeout: Duration? = nil) throws -> [SocketAddress] {
        let text = try checked(text, "address")
        return try unsafe found { unsafe green_resolve_within($0, $1, text, timeout.timeout) }
    }

    /// Finds the addresses of a host, for a port.
    ///
    /// Like ``resolve(_:timeout:)``, but never parses the host as another form of an address.
    ///
    /// - Parameters:
    ///   - host: A name, an IPv4 address, or an IPv6 address with or without brackets.
    ///   - port: The port of the addresses.
    ///   - timeout: The time limit; nil waits for as long as the system's resolver takes.
    /// - Returns: The addresses in the order to try them, at least one and at most 64.
    /// - Throws: The same errors as ``resolve(_:timeout:)``.
    @available(*, noasync)
    public static func resolve(host: String, port: UInt16, timeout: Duration? = nil) throws -> [SocketAddress] {
        let host = try checked(host, "host")
        return try unsafe found { unsafe green_resolve_host($0, $1, host, port, timeout.timeout) }
    }

    private static func found(
        by resolve: (UnsafeMutablePointer<green_address>, Int) -> Int32
    ) throws -> [SocketAddress] {
        var found = [green_address](repeating: green_address(), count: 64)
        let count = try check(unsafe resolve(&found, found.count))
        return found.prefix(Int(count)).map(SocketAddress.init)
    }
}
