internal import CGreen
internal import Synchronization

/// A connection that belongs to no hub, on its way from one hub to another.
///
/// ``Socket/detach()`` makes one, and ``Socket/init(attaching:)`` makes a socket of another hub from it:
///
/// ```swift
/// let connections = Channel<DetachedSocket>()
/// hub.detach {
///     while let connection = try connections.next() {
///         let socket = try Socket(attaching: connection)
///         detach { try answer(socket) }
///     }
/// }
/// try connections.send(listener.accept().detach())
/// ```
///
/// Nothing is lost: bytes that were received and not read, and the state of TLS, move with the connection. If it is
/// not attached, the connection is closed when the last reference is released, on any OS thread.
@safe
public final class DetachedSocket: Sendable {
    /// Owned until it is attached.
    @safe private nonisolated(unsafe) let handle: OpaquePointer

    private let isAttached = Atomic(false)

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    deinit {
        if !isAttached.load(ordering: .acquiring) {
            unsafe green_detached_socket_free(handle)
        }
    }

    /// Makes a socket of the calling OS thread's hub.
    func attach() throws -> OpaquePointer {
        guard !isAttached.exchange(true, ordering: .acquiringAndReleasing) else {
            throw SystemError(
                code: .badFileDescriptor,
                message: "cannot attach the socket: it has been attached (EBADF)"
            )
        }
        var socket: OpaquePointer?
        let result = unsafe green_socket_attach(&socket, handle)
        guard let socket = unsafe socket else {
            isAttached.store(false, ordering: .releasing)
            throw failure(result)
        }
        return unsafe socket
    }
}

extension Socket {
    /// Takes the connection out of this socket, for the hub of another OS thread.
    ///
    /// This socket is then closed, and the connection stays open. A handler of a server may detach its client.
    ///
    /// - Returns: The connection, which any OS thread may attach.
    /// - Throws: A ``SystemError`` with the code `resourceBusy` while a thread reads from the socket, writes to it or is
    ///   in the body of `withReceived`; `badFileDescriptor` if the socket is closed; `improperLink` on another OS
    ///   thread. The socket is then unchanged.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func detach() throws -> DetachedSocket {
        guard !isLending else {
            throw SystemError(
                code: .resourceBusy,
                message: "cannot detach the socket: a body of withReceived uses its bytes (EBUSY)"
            )
        }
        var detached: OpaquePointer?
        try check(unsafe green_socket_detach(handle, &detached))
        return unsafe DetachedSocket(owning: detached!)
    }

    /// Makes a socket of this OS thread's hub from a detached one, with its timeouts.
    ///
    /// - Parameter detached: The connection. Only one socket can be made from it.
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if it has been attached before.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public convenience init(attaching detached: DetachedSocket) throws {
        unsafe self.init(owning: try detached.attach())
    }
}
