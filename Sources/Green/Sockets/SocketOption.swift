internal import CGreen
internal import Glibc

/// An option of a socket and the type of its value; see ``Socket/option(_:)``.
///
/// The common options are static members. Any other option whose value is a C `int` is named by its numbers:
///
/// ```swift
/// import Glibc
///
/// let mark = SocketOption<Int>(level: SOL_SOCKET, name: SO_MARK)
/// try socket.setOption(mark, to: 7)
/// ```
public struct SocketOption<Value: SocketOptionValue>: Hashable, Sendable {
    /// The protocol layer, such as `SOL_SOCKET`.
    public let level: Int32

    /// The option's number, such as `SO_KEEPALIVE`.
    public let name: Int32

    /// Creates an option from its numbers in C.
    public init(level: Int32, name: Int32) {
        self.level = level
        self.name = name
    }
}

/// The type of an option's value, which C has as an `int`: `Bool` or `Int`.
public protocol SocketOptionValue: Sendable {
    /// Creates the value from C's `int`.
    init(socketOption: Int32)

    /// The value as C's `int`.
    var socketOption: Int32 { get }
}

extension Bool: SocketOptionValue {
    public init(socketOption: Int32) {
        self = socketOption != 0
    }

    public var socketOption: Int32 { self ? 1 : 0 }
}

extension Int: SocketOptionValue {
    public init(socketOption: Int32) {
        self = Int(socketOption)
    }

    /// The value, clamped to the range of C's `int`.
    public var socketOption: Int32 { Int32(clamping: self) }
}

extension SocketOption<Bool> {
    /// Whether small writes are sent at once, instead of waiting for more. On by default for connections that Green
    /// makes. The corresponding C constant is `TCP_NODELAY`.
    public static var noDelay: Self { Self(level: Int32(IPPROTO_TCP), name: TCP_NODELAY) }

    /// Whether the kernel probes an idle connection from time to time. The corresponding C constant is `SO_KEEPALIVE`.
    public static var keepAlive: Self { Self(level: SOL_SOCKET, name: SO_KEEPALIVE) }
}

extension SocketOption<Int> {
    /// The size of the kernel's send buffer in bytes; the kernel doubles the value that is set. The corresponding C
    /// constant is `SO_SNDBUF`.
    public static var sendBufferSize: Self { Self(level: SOL_SOCKET, name: SO_SNDBUF) }

    /// The size of the kernel's receive buffer in bytes; the kernel doubles the value that is set. The corresponding C
    /// constant is `SO_RCVBUF`.
    public static var receiveBufferSize: Self { Self(level: SOL_SOCKET, name: SO_RCVBUF) }
}

extension Socket {
    /// Returns the value of an option. Does not block. It corresponds to getsockopt(2).
    ///
    /// - Parameter option: The option, such as `.sendBufferSize`.
    /// - Returns: The value.
    /// - Throws: A ``SystemError`` with the code `notSupportedOnSocket` or `protocolNotAvailable` if this kind of
    ///   socket has no such option, or `badFileDescriptor` if the socket is closed.
    public func option<Value>(_ option: SocketOption<Value>) throws -> Value {
        var value: Int32 = 0
        try check(unsafe green_socket_option(handle, option.level, option.name, &value))
        return Value(socketOption: value)
    }

    /// Sets the value of an option. Does not block. It corresponds to setsockopt(2).
    ///
    /// - Parameters:
    ///   - option: The option, such as `.noDelay`.
    ///   - value: The new value.
    /// - Throws: The errors of ``option(_:)``.
    public func setOption<Value>(_ option: SocketOption<Value>, to value: Value) throws {
        try unsafe check(green_socket_set_option(handle, option.level, option.name, value.socketOption))
    }
}
