internal import CGreen
public import SystemPackage

/// A listening socket, made by ``listen(on:backlog:reuseAddress:reusePort:ipv6Only:)-(String,_,_,_,_)``.
///
/// Give it to ``serve(_:concurrency:stackSize:onError:_:)``, or accept connections by hand. Closed by ``close()`` or
/// when the last reference is gone. It belongs to its OS thread; so it is not `Sendable`.
@safe
public final class Listener {
    /// Owned: one reference of the core's count.
    @safe let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Makes a listener of a listening descriptor, from a service manager say, which it owns from then on. On failure
    /// the descriptor stays the caller's.
    ///
    /// Sets `O_NONBLOCK`, for all processes that share the descriptor. Connections stay in the shared queue until a
    /// process accepts them. Each new connection wakes all processes that wait for one; listeners made with `reusePort`
    /// do not share wake-ups.
    ///
    /// - Parameter descriptor: The descriptor of a listening socket.
    /// - Throws: A ``SystemError``, with the code `invalidArgument` when it does not listen.
    @available(*, noasync)
    public init(adopting descriptor: FileDescriptor) throws {
        var handle: OpaquePointer?
        try check(unsafe green_listener_adopt(&handle, descriptor.rawValue))
        self.handle = unsafe handle!
    }

    deinit {
        unsafe green_listener_release(handle)
    }

    /// Waits for a connection. Only one thread may wait at a time. Connections stay in the kernel's queue until a call
    /// accepts them.
    ///
    /// - Returns: The connected socket. Connections that have died meanwhile are passed over.
    /// - Throws: A ``SystemError``, with the code `badFileDescriptor` when the listener is closed, also meanwhile,
    ///   `tooManyOpenFiles` when no descriptor is left, which leaves the connection there for a later call,
    ///   `resourceBusy` when another thread is accepting. When the thread is killed, the error of that kill.
    @available(*, noasync)
    public func accept() throws -> Socket {
        var socket: OpaquePointer?
        try check(unsafe green_accept(handle, &socket))
        return unsafe Socket(owning: socket!)
    }

    /// Stops listening; the port is free when this returns. Does nothing the second time.
    ///
    /// Connections in the kernel's queue are left to other processes that share the listener; without such a process
    /// they are reset.
    ///
    /// A thread that is blocked in ``accept()`` gets an error, and a ``serve(_:concurrency:stackSize:onError:_:)``
    /// on it returns; its handlers go on. Cannot be interrupted.
    @available(*, noasync)
    public func close() {
        // Closing has no failure that anybody could act on: the descriptor is gone in any case.
        _ = unsafe green_listener_close(handle)
    }

    /// Stops a ``serve(_:concurrency:stackSize:onError:_:)`` from outside.
    ///
    /// Accepts the connections in the kernel's queue, stops listening, and waits for the handlers of all accepted
    /// connections to run and end, within the server's `concurrency` limit. At the end of `grace` it closes the
    /// connections whose handler has not started, kills the remaining handlers and waits for them to end. After that
    /// `serve` returns. A handler may call this; it neither waits for that handler nor kills it.
    ///
    /// - Parameter grace: How long the handlers may continue to run; nil means no limit. With zero, the connections in
    ///   the queue are handled as by ``close()``.
    /// - Returns: The number of handlers that were killed or had not started.
    /// - Throws: When the caller is killed meanwhile, the error of that kill.
    @available(*, noasync)
    @discardableResult
    public func stop(drainingFor grace: Duration? = nil) throws -> Int {
        unsafe Int(try check(green_listener_stop(handle, grace.timeout)))
    }

    /// The address it listens on, with the real port.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` once the listener is closed.
    public var address: SocketAddress {
        get throws {
            var address = green_address()
            try check(unsafe green_listener_address(handle, &address))
            return SocketAddress(address)
        }
    }

    /// The descriptor, still owned by the listener.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` once the listener is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_listener_fd(handle)))
        }
    }
}

@available(*, unavailable)
extension Listener: Sendable {}
