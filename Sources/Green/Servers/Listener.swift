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
    /// Sets `O_NONBLOCK`, which every process that shares the descriptor sees. A connection stays in the queue that
    /// the processes share until one accepts it. Each new one wakes all processes that wait for it; listeners made
    /// with `reusePort` do not share wake-ups.
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

    /// Waits for a connection. One thread at a time may. Connections that nobody has asked for stay in the kernel's
    /// queue.
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
    /// Connections in the kernel's queue are left to other processes that share the listener, or else reset.
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
    /// Accepts the connections in the kernel's queue, stops listening, and waits until handlers have run for these, as
    /// many at a time as the server's `concurrency` allows, and all handlers have ended. At the end of `grace` it
    /// closes connections whose handler has not begun, kills the other handlers and waits for them to end. `serve`
    /// returns after that. A handler may call it, and is then itself neither waited for nor killed.
    ///
    /// - Parameter grace: How long the handlers may go on; nil is for as long as they take. Zero leaves the
    ///   connections in the queue as ``close()`` does.
    /// - Returns: How many handlers were killed or had not begun.
    /// - Throws: When the caller is killed meanwhile, the error of that kill.
    @available(*, noasync)
    @discardableResult
    public func stop(draining grace: Duration? = nil) throws -> Int {
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
