internal import CGreen
public import SystemPackage

/// A socket that listens for connections.
///
/// ``serve(concurrency:stackSize:onError:_:)`` runs a handler for each connection, ``accept()`` returns one connection.
/// The listener is closed by ``close()`` or when the last reference is released. It belongs to its OS thread, so it is
/// not `Sendable`. The last reference may be released on any OS thread, which may also call ``close()`` and
/// ``stop(drainingFor:)``.
@safe
public final class Listener {
    /// Owned: one reference of the core's count.
    @safe let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Creates a listener from a listening descriptor, such as one from a service manager, and takes ownership of the
    /// descriptor. If it throws, the caller still owns the descriptor.
    ///
    /// Sets `O_NONBLOCK`, for all processes that share the descriptor. Connections stay in the shared queue until a
    /// process accepts them. Each new connection wakes all processes that wait for one; listeners made with `reusePort`
    /// do not share wake-ups.
    ///
    /// - Parameter descriptor: The descriptor of a listening socket.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the descriptor does not listen.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(adopting descriptor: FileDescriptor) throws {
        var handle: OpaquePointer?
        try check(unsafe green_listener_adopt(&handle, descriptor.rawValue))
        self.handle = unsafe handle!
    }

    deinit {
        unsafe green_listener_release(handle)
    }

    /// Waits for a connection. Only one thread may wait at a time. Connections stay in the kernel's queue until a call
    /// accepts them. A kill, a ``Timeout`` or ``close()`` interrupts it.
    ///
    /// - Returns: The connected socket. Connections that ended in the queue are skipped.
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the listener is closed, or is closed during the
    ///   call; `tooManyOpenFiles` if no descriptor is left, and the connection stays in the queue for a later call;
    ///   `resourceBusy` if another thread is accepting. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func accept() throws -> Socket {
        var socket: OpaquePointer?
        try check(unsafe green_accept(handle, &socket))
        return unsafe Socket(owning: socket!)
    }

    /// Stops listening. The port is free when this returns. Does nothing the second time.
    ///
    /// Connections in the kernel's queue are left to other processes that share the listener; without such a process
    /// they are reset.
    ///
    /// A thread that is blocked in ``accept()`` gets an error. A ``serve(concurrency:stackSize:onError:_:)`` on the
    /// listener returns; its handlers continue to run. Cannot be interrupted. On another OS thread: like
    /// ``Socket/close()``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func close() {
        finishClose(unsafe green_listener_close(handle))
    }

    /// Stops the ``serve(concurrency:stackSize:onError:_:)`` of this listener, and drains its clients.
    ///
    /// Accepts the connections in the kernel's queue, stops listening, and waits for the handlers of all accepted
    /// connections to run and end, within the server's `concurrency` limit. At the end of `grace` it closes the
    /// connections whose handler has not started, kills the remaining handlers and waits for them to end. After that
    /// `serve` returns. A handler may call this; it neither waits for that handler nor kills it.
    ///
    /// On another OS thread, a green thread on the hub of the listener does this, and the wait cannot be interrupted.
    ///
    /// - Parameter grace: How long the handlers may continue to run; nil means no limit. With zero, the connections in
    ///   the queue are handled as by ``close()``.
    /// - Returns: The number of handlers that were killed or had not started.
    /// - Throws: If the caller is killed while it waits, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func stop(drainingFor grace: Duration? = nil) throws -> Int {
        unsafe Int(try check(green_listener_stop(handle, grace.timeout)))
    }

    /// The address that the listener is bound to, with the actual port.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the listener is closed.
    public var address: SocketAddress {
        get throws {
            try unsafe SocketAddress { unsafe green_listener_address(handle, $0) }
        }
    }

    /// The descriptor, which the listener still owns.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the listener is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_listener_fd(handle)))
        }
    }
}

@available(*, unavailable)
extension Listener: Sendable {}
