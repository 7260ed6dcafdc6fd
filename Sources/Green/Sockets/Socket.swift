internal import CGreen
public import SystemPackage

/// A connected stream socket, or a datagram socket, whose calls block only the green thread that makes them.
///
/// ``connect(to:from:timeout:)-(String,_,_)``, ``Listener/accept()``, ``pair()`` and ``datagram(at:)`` return one. It
/// is closed by ``close()`` or when the last reference is released.
///
/// One green thread may read while another writes. A second reader, or a second writer, gets a ``SystemError`` with the
/// code `resourceBusy` that names both. After `close`, all blocked calls and every later call throw a `SystemError`
/// with the code `badFileDescriptor`.
///
/// A read blocks until bytes arrive. It throws a `SystemError` with the code `connectionReset` if the peer reset the
/// connection, or `timedOut` after ``readTimeout``. If the thread is killed, it throws the error of that kill. No bytes
/// are lost: a read that has received bytes returns them.
///
/// A write blocks until the kernel has accepted the last byte. It throws a `SystemError` with the code `brokenPipe` or
/// `connectionReset` if the peer has closed or reset the connection, or `timedOut` after ``writeTimeout``. If the
/// thread is killed, it throws the error of that kill. In each case some of the bytes may have been sent.
///
/// A socket belongs to its OS thread, so it is not `Sendable`; ``detach()`` takes it to another one. The last reference
/// may be released on any OS thread: the hub of the socket then closes it.
@safe
public final class Socket {
    /// Owned: one reference of the core's count.
    @safe let handle: OpaquePointer

    /// Whether a body of `withReceived` uses bytes that a read would move.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    var isLending = false

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Creates a socket from a descriptor, and takes ownership of it. If it throws, the caller still owns the
    /// descriptor.
    ///
    /// - Parameter descriptor: The descriptor of a stream or datagram socket.
    /// - Throws: A ``SystemError`` with the code `notSocket` if the descriptor is not a socket.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(adopting descriptor: FileDescriptor) throws {
        var handle: OpaquePointer?
        try check(unsafe green_socket_adopt(&handle, descriptor.rawValue))
        self.handle = unsafe handle!
    }

    /// Creates two unix stream sockets that are connected to each other. It corresponds to socketpair(2).
    ///
    /// - Returns: Both ends.
    /// - Throws: A ``SystemError`` with the code `tooManyOpenFiles` if no descriptor is left.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func pair() throws -> (Socket, Socket) {
        var first: OpaquePointer?
        var second: OpaquePointer?
        try check(unsafe green_socket_pair(&first, &second))
        return unsafe (Socket(owning: first!), Socket(owning: second!))
    }

    deinit {
        unsafe green_socket_release(handle)
    }

    /// Closes the socket. Does nothing the second time.
    ///
    /// The descriptor is closed when this returns. May block for one loop iteration. Cannot be interrupted. On another
    /// OS thread it waits until the hub of the socket has closed it; there, a call in a function of
    /// ``GreenThread/onExit(_:)`` or in a `deinit` of a ``GreenLocal`` ends the process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func close() {
        finishClose(unsafe green_close(handle))
    }

    /// Ends one direction of the connection, or both. Bytes that were written are still sent. It corresponds to
    /// shutdown(2).
    ///
    /// Does not block.
    ///
    /// - Parameter direction: The direction to end.
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` or `badFileDescriptor`.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func shutdown(_ direction: Direction = .both) throws {
        try unsafe check(green_shutdown(handle, direction.how))
    }

    /// The local address.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the socket is closed.
    public var localAddress: SocketAddress {
        get throws {
            try unsafe SocketAddress { unsafe green_socket_local_address(handle, $0) }
        }
    }

    /// The address of the peer. It remains known after the peer has reset the connection.
    ///
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` if the socket was never connected, or
    ///   `badFileDescriptor` if it is closed.
    public var peerAddress: SocketAddress {
        get throws {
            try unsafe SocketAddress { unsafe green_socket_peer_address(handle, $0) }
        }
    }

    /// The descriptor, which the socket still owns.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the socket is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_socket_fd(handle)))
        }
    }
}

@available(*, unavailable)
extension Socket: Sendable {}
