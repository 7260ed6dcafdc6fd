internal import CGreen

/// The address of a socket: IPv4, IPv6 or unix.
///
/// ``init(parsing:)`` reads and `description` prints its text forms: `127.0.0.1:6000`, `[::1]:6000`,
/// `[fe80::1%eth0]:6000`, `unix:/path` and, for abstract names of Linux, `unix:@name`. `:6000` and `*:6000` mean every
/// local IPv4 address. A host name is not an address; ``resolve(_:timeout:)`` finds the addresses of one.
///
/// Only `resolve` blocks. All calls may be made on any OS thread.
public struct SocketAddress: Sendable {
    var storage: green_address

    init(_ storage: green_address) {
        self.storage = storage
    }

    /// An address that a call of the core stores.
    init(storedBy call: (UnsafeMutablePointer<green_address>) -> Int32) throws {
        var storage = green_address()
        try check(unsafe call(&storage))
        self.init(storage)
    }

    /// Creates an address from its text form.
    ///
    /// - Parameter text: One of the forms above.
    /// - Throws: A ``SystemError`` with the code `invalidArgument`, whose message says which part is wrong, or
    ///   `fileNameTooLong` for a unix path of more than 107 bytes.
    public init(parsing text: String) throws {
        let text = try checked(text, "address")
        try unsafe self.init { unsafe green_address_parse($0, text) }
    }

    /// Creates an address from a numeric host and a port.
    ///
    /// - Parameters:
    ///   - host: An IPv4 or IPv6 address without brackets, such as `127.0.0.1` or `::1`.
    ///   - port: The port.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the host is not such an address.
    public init(host: String, port: UInt16) throws {
        // With a port appended, these would be addresses although they are not numbers.
        guard !["unix", "", "*"].contains(host) else {
            throw SystemError(code: .invalidArgument, message: "host: '\(host)' is not an IP address (EINVAL)")
        }
        try self.init(parsing: host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
    }

    /// Creates the address of a unix socket.
    ///
    /// - Parameter unixPath: The path of the socket file, or `@` and an abstract name.
    /// - Throws: A ``SystemError`` with the code `fileNameTooLong` if the path has more than 107 bytes.
    public init(unixPath: String) throws {
        try self.init(parsing: "unix:\(unixPath)")
    }

    /// Returns the loopback address, `127.0.0.1`, with the port; 0 means a free port.
    public static func loopback(port: UInt16 = 0) -> SocketAddress {
        ipv4("127.0.0.1:0", port: port)
    }

    /// Returns the address that stands for every IPv4 address of this machine, to listen on, with the port; 0 means a
    /// free port.
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
    /// Blocks only the calling green thread. The system's resolver runs on OS threads for look-ups only, 16 at most.
    ///
    /// - Parameters:
    ///   - text: `host:port`, where the host is a name or an IP address and the port a number or the name of a service;
    ///     or any form of ``init(parsing:)``.
    ///   - timeout: The time limit; nil waits for as long as the system's resolver takes.
    /// - Returns: The addresses in the order to try them, at least one and at most 64.
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` if there is no such host,
    ///   `resourceTemporarilyUnavailable` if the name service did not answer, `timedOut` if the timeout expires, or
    ///   `invalidArgument` if the text has no port or there is no such service. If the thread is killed, the error of
    ///   that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
