internal import CGreen

/// The scheduler of this OS thread, with its timers and its I/O engine.
///
/// Nobody has to make one: the first spawn, socket or blocking call of an OS thread does, with the defaults. It ends
/// with its OS thread. Use ``open(engine:entries:receiveMemory:stackSize:warmStacks:)`` before that to choose
/// something else.
public enum Hub {
    /// Makes this OS thread's hub. A parameter that is nil has its default.
    ///
    /// - Parameters:
    ///   - engine: What moves the bytes: `"uring"` or `"epoll"`. Nil takes the environment's `GREEN_ENGINE`; where that
    ///     is not set, `"uring"`, or `"epoll"` where the system refuses it.
    ///   - entries: Submission queue entries, a power of two up to 32768; 256 by default.
    ///   - receiveMemory: Bytes of receive memory that all idle sockets share, at least 64 KiB; 4 MiB by default. It
    ///     is touched only as traffic comes.
    ///   - stackSize: Bytes of address space for a green thread's stack where a spawn names none, at least 64 KiB;
    ///     1 MiB by default. Only touched pages use memory.
    ///   - warmStacks: Free stacks that keep their memory for the next spawn, at least one; 1024 by default.
    /// - Throws: A ``SystemError``, with the code `alreadyInProcess` when there is a hub already, `invalidArgument`
    ///   when a parameter is out of range or there is no such engine. When the system refuses the engine that was asked
    ///   for by name, its message tells the likely cause.
    @available(*, noasync)
    public static func open(
        engine: String? = nil,
        entries: Int? = nil,
        receiveMemory: Int? = nil,
        stackSize: Int? = nil,
        warmStacks: Int? = nil
    ) throws {
        let engine = try checked(engine, "engine")
        // Zero selects the core's default.
        var options = unsafe green_hub_options()
        unsafe options.entries = UInt32(clamping: try checked(entries, "entries", atLeast: 1) ?? 0)
        unsafe options.receive_memory = try checked(receiveMemory, "receiveMemory", atLeast: 1) ?? 0
        unsafe options.stack_size = stackBytes(stackSize)
        unsafe options.warm_stacks = try checked(warmStacks, "warmStacks", atLeast: 1) ?? 0
        let result: Int32
        if let engine {
            result = unsafe engine.withCString {
                unsafe options.engine = unsafe $0
                return unsafe green_hub_open(&options)
            }
        } else {
            result = unsafe green_hub_open(&options)
        }
        try check(result)
    }

    /// Ends this OS thread's hub and gives all its memory back.
    ///
    /// To be called from the OS thread's own context when every green thread has ended and no handle of a thread or
    /// a socket is held. A program may leave it to the end of the OS thread.
    ///
    /// - Throws: A ``SystemError``, with the code `resourceBusy` when green threads or sockets are left, which its
    ///   message counts, `noSuchFileOrDirectory` when there is no hub.
    @available(*, noasync)
    public static func close() throws {
        try check(green_hub_close())
    }

    /// The name of the engine, `"uring"` or `"epoll"`. Makes the hub if need be; nil when that fails.
    @available(*, noasync)
    public static var engine: String? {
        guard let name = unsafe green_hub_engine() else { return nil }
        return unsafe String(cString: name)
    }

    /// Why this hub runs on epoll though nobody asked for that: what the system said to io_uring, and the likely
    /// cause. Nil when it has its first choice, or when there is no hub.
    ///
    /// `GREEN_LOG=debug` in the environment has it written to standard error, once in a process.
    @available(*, noasync)
    public static var fallbackReason: String? {
        guard let reason = unsafe green_hub_fallback() else { return nil }
        return unsafe String(cString: reason)
    }

    /// How this hub guards new stacks against overflow: the best kind that the system offers. Makes the hub and its
    /// first stack if need be; nil when that fails.
    ///
    /// With `GREEN_LOG=debug` in the environment, Green writes to standard error why it does not use the best kind.
    @available(*, noasync)
    public static var stackGuard: StackGuard? {
        guard let name = unsafe green_hub_guard() else { return nil }
        return StackGuard(rawValue: unsafe String(cString: name))
    }
}
