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
/// Blocks until the listener is closed or stopped, or a handler throws ``StopServe``. Handlers that are still running
/// then go on, and the listener stays open unless it was closed.
///
/// An error of the client's own connection ends nothing but that connection: a reset, a timeout of the socket, a failed
/// handshake, a line that is too long, all of which a client can cause at will. It is given to `onError`, or else
/// reported on standard error. Any other error of a handler is given to `onError`, or else ends `serve` and is thrown
/// from it. The two are told apart by ``Socket/hasFailed(with:)``: an equal error of another connection is not the
/// client's. A handler that was killed is no error.
///
/// The client is closed when its handler returns or throws, even where somebody keeps a reference to it. Out of
/// descriptors or memory, `serve` waits for one to be free and goes on.
///
/// - Parameters:
///   - listener: Where the connections come in.
///   - concurrency: How many handlers may run at one time, at least one. At the limit no connection is accepted until one ends.
///   - stackSize: Bytes of address space for each handler's stack, at least 64 KiB; nil is the hub's default.
///   - onError: Called in the handler's thread with the error that ended it, whatever it is; serving goes on.
///   - handler: What to do with a client, given its socket and address.
/// - Throws: The error of a handler that is not its client's. A ``SystemError`` with the code `resourceBusy` when somebody already serves this
///   listener. When the caller is killed, the error of that kill.
@available(*, noasync)
public func serve(
    _ listener: Listener,
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
    let result = unsafe green_serve(listener.handle, &options, handleClient, context)
    service.end()
    if let error = service.failure {
        throw error
    }
    try check(result)
}

private func handleClient(_ client: OpaquePointer, _ context: UnsafeMutableRawPointer?) -> Int32 {
    unsafe Unmanaged<Service>.fromOpaque(context!).takeUnretainedValue().handle(client)
}

private func releaseService(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<Service>.fromOpaque(context!).release()
}
