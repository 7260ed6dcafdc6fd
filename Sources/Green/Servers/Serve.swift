internal import CGreen

/// Runs the handler for each connection, in a green thread of its own.
///
/// ```swift
/// let listener = try listen(on: "127.0.0.1:6000")
/// try serve(listener) { client, address in
///     while let line = try client.readLine() {
///         try client.write("\(address) said: \(line)\n")
///     }
/// }
/// ```
///
/// The same as ``Listener/serve(concurrency:stackSize:onError:_:)``.
///
/// - Parameters:
///   - listener: The source of the connections.
///   - concurrency: The maximum number of handlers that run at the same time, at least one.
///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
///   - onError: Called in the handler's thread with any error that ended the handler; `serve` continues.
///   - handler: Called with the client's socket and address.
/// - Throws: The errors of ``Listener/serve(concurrency:stackSize:onError:_:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func serve(
    _ listener: Listener,
    concurrency: Int = 1000,
    stackSize: Int? = nil,
    onError: ((any Error) -> Void)? = nil,
    _ handler: @escaping (_ client: Socket, _ address: SocketAddress) throws -> Void
) throws {
    try listener.serve(concurrency: concurrency, stackSize: stackSize, onError: onError, handler)
}

extension Listener {
    /// Runs the handler for each connection, in a green thread of its own.
    ///
    /// ```swift
    /// try Listener(on: "127.0.0.1:6000").serve { client, address in
    ///     while let line = try client.readLine() {
    ///         try client.write("\(address) said: \(line)\n")
    ///     }
    /// }
    /// ```
    ///
    /// Blocks until the listener is closed or stopped, or a handler throws ``StopServe``. Handlers that are still running
    /// then continue to run, and the listener stays open unless it was closed.
    ///
    /// An error of the client's own connection ends only that connection: a reset, a timeout of the socket, a failed
    /// handshake or a line that is too long. A client can cause each of these at any time. The error goes to `onError`, or
    /// to standard error if there is no `onError`. Any other error of a handler goes to `onError`; without `onError` it
    /// ends `serve`, which throws it. ``Socket/hasFailed(with:)`` distinguishes the client's errors from the same errors
    /// on other connections. A killed handler is not an error.
    ///
    /// The client is closed when its handler returns or throws, even if a reference to it remains. If no descriptor or
    /// memory is left, `serve` waits until there is some and continues.
    ///
    /// ``/Green/serve(_:concurrency:stackSize:onError:_:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - concurrency: The maximum number of handlers that run at the same time, at least one. At the limit, no
    ///     connection is accepted until a handler ends.
    ///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil means the hub's default.
    ///   - onError: Called in the handler's thread with any error that ended the handler; `serve` continues.
    ///   - handler: Called with the client's socket and address.
    /// - Throws: A handler's error, except errors of its client's connection. A ``SystemError`` with the code
    ///   `resourceBusy` if another `serve` runs on this listener. If the caller is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func serve(
        concurrency: Int = 1000,
        stackSize: Int? = nil,
        onError: ((any Error) -> Void)? = nil,
        _ handler: @escaping (_ client: Socket, _ address: SocketAddress) throws -> Void
    ) throws {
        try checked(concurrency, "concurrency", atLeast: 1)
        let service = Service(handler: handler, onError: onError)
        var options = green_serve_options()
        options.concurrency = concurrency
        options.stack_size = stackBytes(stackSize)
        unsafe options.discard = releaseService
        // Handlers may outlive this call, and with them the service.
        let context = unsafe Unmanaged.passRetained(service).toOpaque()
        let result = unsafe green_serve(handle, &options, handleClient, context)
        if let error = service.end() {
            throw error
        }
        try check(result)
    }
}
