internal import CGreen
public import SystemPackage

/// A connected stream socket, or a datagram socket, whose calls block only the green thread that makes them.
///
/// Made by ``connect(to:from:timeout:)-(String,_,_)``, ``Listener/accept()``, ``pair()`` and ``datagram(at:)``.
/// Closed by ``close()`` or when the last reference is gone.
///
/// One green thread may read while another writes. A second reader, or a second writer, gets a ``SystemError`` with
/// the code `resourceBusy` that names both. `close` wakes whoever is blocked in the socket; their calls throw a
/// `SystemError` with the code `badFileDescriptor`, as does every later call.
///
/// A read blocks until there is something, and throws a `SystemError` with the code `connectionReset` when the peer broke
/// the connection, `timedOut` after ``readTimeout``. When the thread is killed, it throws what that was killed with;
/// nothing is lost then: a read that got something returns it.
///
/// A write blocks until the kernel has taken the last byte, and throws a `SystemError` with the code `brokenPipe` or
/// `connectionReset` when the peer has gone, `timedOut` after ``writeTimeout``, or what the thread was killed with. Part
/// of the bytes may have been sent then.
///
/// A socket belongs to its OS thread; so it is not `Sendable`.
@safe
public final class Socket {
    /// Owned: one reference of the core's count.
    @safe let handle: OpaquePointer

    /// A body of `withReceived` is looking at bytes that the next read would move away.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    var isLending = false

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Makes a socket of a descriptor, which it owns from then on. On failure the descriptor stays the caller's.
    ///
    /// - Parameter descriptor: The descriptor of a stream or datagram socket.
    /// - Throws: A ``SystemError``, with the code `notSocket` when it is not one.
    @available(*, noasync)
    public init(adopting descriptor: FileDescriptor) throws {
        var handle: OpaquePointer?
        try check(unsafe green_socket_adopt(&handle, descriptor.rawValue))
        self.handle = unsafe handle!
    }

    /// Makes two unix stream sockets that are connected to each other.
    ///
    /// - Returns: Both ends.
    /// - Throws: A ``SystemError``, with the code `tooManyOpenFiles` when no descriptor is left.
    @available(*, noasync)
    public static func pair() throws -> (Socket, Socket) {
        var first: OpaquePointer?
        var second: OpaquePointer?
        try check(unsafe green_socket_pair(&first, &second))
        return unsafe (Socket(owning: first!), Socket(owning: second!))
    }

    deinit {
        unsafe green_socket_release(handle)
    }

    /// Closes the connection at once. Does nothing the second time.
    ///
    /// The descriptor is gone when this returns, which may take one round of the hub but cannot be interrupted.
    @available(*, noasync)
    public func close() {
        // Closing has no failure that anybody could act on: the descriptor is gone in any case.
        _ = unsafe green_close(handle)
    }

    /// Ends one direction or both. What was written is still delivered.
    ///
    /// Does not block.
    ///
    /// - Parameter direction: What to end.
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` or `badFileDescriptor`.
    @available(*, noasync)
    public func shutdown(_ direction: Direction = .both) throws {
        try unsafe check(green_shutdown(handle, direction.how))
    }

    /// The address of this end.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` once the socket is closed.
    public var localAddress: SocketAddress {
        get throws {
            var address = green_address()
            try check(unsafe green_socket_local_address(handle, &address))
            return SocketAddress(address)
        }
    }

    /// The address of the peer. It remains known after the peer has reset the connection.
    ///
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` if the socket was never connected, or
    ///   `badFileDescriptor` if it is closed.
    public var peerAddress: SocketAddress {
        get throws {
            var address = green_address()
            try check(unsafe green_socket_peer_address(handle, &address))
            return SocketAddress(address)
        }
    }

    /// The descriptor, still owned by the socket.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` once the socket is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_socket_fd(handle)))
        }
    }
}

@available(*, unavailable)
extension Socket: Sendable {}
