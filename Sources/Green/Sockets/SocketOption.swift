internal import CGreen
internal import Glibc

/// An option of a socket and the type of its value; see ``Socket/option(_:)``.
///
/// The common ones are static members. Any other whose value is a C `int` can be named by its numbers:
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

    /// Names an option by its numbers in C.
    public init(level: Int32, name: Int32) {
        self.level = level
        self.name = name
    }
}

/// A type that can stand for the C `int` of a socket option: `Bool` and `Int`.
public protocol SocketOptionValue: Sendable {
    /// Makes the value that a C `int` stands for.
    init(socketOption: Int32)

    /// The C `int` that stands for the value.
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

    /// The value, cut to what a C `int` holds.
    public var socketOption: Int32 { Int32(clamping: self) }
}

extension SocketOption<Bool> {
    /// Small writes are sent at once instead of waiting for more. On, unless switched off, for connections that
    /// Green makes. The corresponding C constant is `TCP_NODELAY`.
    public static var noDelay: Self { Self(level: Int32(IPPROTO_TCP), name: TCP_NODELAY) }

    /// The kernel checks an idle connection now and then. The corresponding C constant is `SO_KEEPALIVE`.
    public static var keepAlive: Self { Self(level: SOL_SOCKET, name: SO_KEEPALIVE) }
}

extension SocketOption<Int> {
    /// Bytes that the kernel keeps of what was written; it doubles what is set. The corresponding C constant is
    /// `SO_SNDBUF`.
    public static var sendBufferSize: Self { Self(level: SOL_SOCKET, name: SO_SNDBUF) }

    /// Bytes that the kernel keeps of what came; it doubles what is set. The corresponding C constant is `SO_RCVBUF`.
    public static var receiveBufferSize: Self { Self(level: SOL_SOCKET, name: SO_RCVBUF) }
}

extension Socket {
    /// Asks for the value of an option. Does not block.
    ///
    /// - Parameter option: Which one, as in `.sendBufferSize`.
    /// - Returns: Its value.
    /// - Throws: A ``SystemError``, with the code `notSupportedOnSocket` or `protocolNotAvailable` when this kind of
    ///   socket has no such option, `badFileDescriptor` once the socket is closed.
    public func option<Value>(_ option: SocketOption<Value>) throws -> Value {
        var value: Int32 = 0
        try check(unsafe green_socket_option(handle, option.level, option.name, &value))
        return Value(socketOption: value)
    }

    /// Sets an option. Does not block.
    ///
    /// - Parameters:
    ///   - option: Which one, as in `.noDelay`.
    ///   - value: Its new value.
    /// - Throws: As ``option(_:)``.
    public func setOption<Value>(_ option: SocketOption<Value>, to value: Value) throws {
        try unsafe check(green_socket_set_option(handle, option.level, option.name, value.socketOption))
    }
}
