internal import CGreen

/// The scheduler of an OS thread, with its timers and its I/O engine.
///
/// The first spawn, socket or blocking call of an OS thread creates its hub, with the defaults. The hub ends with its
/// OS thread. To choose other settings, call ``open(engine:entries:receiveMemory:stackSize:warmStacks:name:)`` first.
/// The static members are about the hub of the calling OS thread.
///
/// An object of this type is a reference to a hub, by which any OS thread can start green threads there:
///
/// ```swift
/// let main = try Hub.current
/// library.onEvent { event in           // on an OS thread of the library
///     main.detach { handle(event) }
/// }
/// ```
///
/// A reference does not keep the hub open; after its end, the thread of a spawn has ended with an error. Two references
/// are equal if they refer to the same hub. While there is a reference to a hub, no wait on it counts as a deadlock,
/// because another OS thread could end it.
///
/// Each hub of a ``HubPool`` has an OS thread of its own.
@safe
public final class Hub: Sendable {
    /// Owned: one reference of the core's count, which is atomic.
    @safe nonisolated(unsafe) let handle: OpaquePointer

    /// Takes over a reference.
    init(owning handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit {
        unsafe green_hub_release(handle)
    }

    /// The hub of this OS thread. Creates it if there is none.
    ///
    /// - Throws: A ``SystemError`` if the hub cannot be created: the errors of
    ///   ``open(engine:entries:receiveMemory:stackSize:warmStacks:name:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var current: Hub {
        get throws {
            guard let handle = unsafe green_hub_current() else {
                // The second attempt returns the error.
                throw failure(green_hub_open(nil))
            }
            return unsafe Hub(owning: green_hub_retain(handle))
        }
    }

    /// Creates this OS thread's hub. Nil selects the default of a parameter.
    ///
    /// - Parameters:
    ///   - engine: The I/O engine, `"uring"` or `"epoll"`. Nil selects the environment variable `GREEN_ENGINE`. If that
    ///     is not set, `"uring"`, or `"epoll"` if the system refuses io_uring.
    ///   - entries: Submission queue entries, a power of two up to 32768; 256 by default.
    ///   - receiveMemory: Bytes of receive memory that all sockets share, at least 64 KiB; 4 MiB by default. Its pages
    ///     use memory only once data has arrived in them.
    ///   - stackSize: Bytes of address space for the stack of a green thread whose spawn names no size, at least 64
    ///     KiB; 1 MiB by default. Only pages that are touched use memory.
    ///   - warmStacks: Free stacks that keep their memory for the next spawn, at least one; 1024 by default.
    ///   - name: Shown in dumps and reports; at most 31 bytes of it.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if this OS thread has a hub, or `invalidArgument`
    ///   if a parameter is out of range or there is no such engine. If the system refuses the engine that was named,
    ///   the message says the likely cause.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func open(
        engine: String? = nil,
        entries: Int? = nil,
        receiveMemory: Int? = nil,
        stackSize: Int? = nil,
        warmStacks: Int? = nil,
        name: String = ""
    ) throws {
        try unsafe withHubOptions(
            engine: engine,
            entries: entries,
            receiveMemory: receiveMemory,
            stackSize: stackSize,
            warmStacks: warmStacks,
            name: name
        ) { options in
            _ = try check(unsafe green_hub_open(options))
        }
    }

    /// Ends this OS thread's hub and frees all its memory.
    ///
    /// Call it in the OS thread's own context, after every green thread has ended and every handle of a thread or a
    /// socket has been released. Without this call, the hub ends with its OS thread.
    ///
    /// - Throws: A ``SystemError`` with the code `resourceBusy` if green threads or sockets are left, which the message
    ///   counts, or `noSuchFileOrDirectory` if there is no hub.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func close() throws {
        try check(green_hub_close())
    }

    /// The name of this hub, or "".
    public var name: String {
        unsafe String(cString: green_hub_name(handle))
    }

    /// The name of the engine, `"uring"` or `"epoll"`. Creates the hub if there is none; nil if that fails.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var engine: String? {
        guard let name = unsafe green_hub_engine() else { return nil }
        return unsafe String(cString: name)
    }

    /// Why this hub uses epoll although the program did not select it: the error of io_uring and its likely cause. Nil
    /// if the hub uses its first choice, or if there is no hub.
    ///
    /// With `GREEN_LOG=debug` in the environment, Green writes it to standard error, once in a process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var fallbackReason: String? {
        guard let reason = unsafe green_hub_fallback() else { return nil }
        return unsafe String(cString: reason)
    }

    /// How this hub guards new stacks against overflow: the best way that the system offers. Creates the hub and its
    /// first stack if there is none; nil if that fails.
    ///
    /// With `GREEN_LOG=debug` in the environment, Green writes to standard error why it does not use a better way.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var stackGuard: StackGuard? {
        guard let name = unsafe green_hub_guard() else { return nil }
        return StackGuard(rawValue: unsafe String(cString: name))
    }
}

extension Hub: Hashable {
    public static func == (left: Hub, right: Hub) -> Bool {
        left.handle == right.handle
    }

    public func hash(into hasher: inout Hasher) {
        unsafe hasher.combine(handle)
    }
}

/// Calls the body with the core's options for a hub. Nil selects the core's default.
func withHubOptions(
    engine: String?,
    entries: Int?,
    receiveMemory: Int?,
    stackSize: Int?,
    warmStacks: Int?,
    name: String = "",
    _ body: (UnsafePointer<green_hub_options>) throws -> Void
) throws {
    let engine = try checked(engine, "engine")
    // Zero selects the core's default.
    var options = unsafe green_hub_options()
    unsafe options.entries = UInt32(clamping: try checked(entries, "entries", atLeast: 1) ?? 0)
    unsafe options.receive_memory = try checked(receiveMemory, "receiveMemory", atLeast: 1) ?? 0
    unsafe options.stack_size = stackBytes(stackSize)
    unsafe options.warm_stacks = try checked(warmStacks, "warmStacks", atLeast: 1) ?? 0
    try unsafe printableName(name).withCString { name in
        unsafe options.name = unsafe name
        guard let engine else {
            return unsafe try body(&options)
        }
        try unsafe engine.withCString { engine in
            unsafe options.engine = unsafe engine
            try unsafe body(&options)
        }
    }
}
