internal import CGreen
public import SystemPackage

extension GreenThread where Success == Never {
    /// The thread that is running, as a handle that knows when and how the thread ends but not its result.
    ///
    /// Also an OS thread's own context, such as `main`, is one.
    @available(*, noasync)
    public static var current: GreenThread<Void> {
        guard let handle = unsafe green_current() else {
            return GreenThread<Void>(ThreadState(failed: failure(green_hub_open(nil))))
        }
        return unsafe GreenThread<Void>(ThreadState.known(for: handle) ?? .adopted(handle))
    }

    /// Lets every thread that is ready now run, and one round of I/O happen.
    ///
    /// - Throws: When the thread is killed, the error of that kill.
    @available(*, noasync)
    public static func yield() throws {
        try check(green_yield())
    }

    /// Throws the pending interrupt that the thread's next blocking call would throw, if there is one.
    ///
    /// Use it in functions that run for long without blocking, and at the start of functions that block only sometimes.
    /// Does not block, and does not let others run. Throws nothing in an exit function.
    ///
    /// - Throws: If the thread was killed, the error of that kill; if its ``Timeout`` has fired, that timeout.
    @available(*, noasync)
    public static func checkInterrupt() throws {
        try Green.checkInterrupt()
    }

    /// Blocks for at least the given time. Zero or less yields.
    ///
    /// - Parameter duration: How long to sleep.
    /// - Throws: When the thread is killed, the error of that kill.
    @available(*, noasync)
    public static func sleep(for duration: Duration) throws {
        try check(green_sleep(duration.nanoseconds))
    }

    /// Blocks until a descriptor has one of the events. For descriptors that Green has no type for.
    ///
    /// The descriptor stays the caller's, and has to stay open while anybody waits for it.
    ///
    /// - Parameters:
    ///   - descriptor: What to wait for.
    ///   - events: Which of its events.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Returns: The events it has, with `error` and `hangup` even where they were not asked for.
    /// - Throws: A ``SystemError``, with the code `timedOut` after the timeout. When the thread is killed, the error
    ///   of that kill.
    @available(*, noasync)
    @discardableResult
    public static func wait(
        for descriptor: FileDescriptor,
        _ events: PollEvents,
        timeout: Duration? = nil
    ) throws -> PollEvents {
        let found = try check(green_wait_fd(descriptor.rawValue, events.rawValue, timeout.timeout))
        return PollEvents(rawValue: Int16(truncatingIfNeeded: found))
    }

    /// Writes one line for each green thread of this OS thread: number, name, state, what it waits for and for how
    /// long, and how much stack it has used.
    ///
    /// Blocks the OS thread, not the green one.
    ///
    /// - Parameter descriptor: Where to write it.
    /// - Throws: A ``SystemError``, with the code `noSuchFileOrDirectory` when no green thread was ever made here.
    public static func dumpAll(to descriptor: FileDescriptor = .standardError) throws {
        try check(green_dump(descriptor.rawValue))
    }
}

extension ThreadState {
    /// The state of a thread that Swift has one of.
    static func known(for thread: OpaquePointer) -> ThreadState? {
        guard let context = unsafe green_thread_context(thread) else { return nil }
        return unsafe Unmanaged<ThreadState>.fromOpaque(context).takeUnretainedValue()
    }

    /// A new state for a thread without one. The thread does not hold it: who holds it can find it.
    static func adopted(_ thread: OpaquePointer) -> ThreadState {
        let state = unsafe ThreadState(adopting: thread)
        unsafe green_thread_set_context(thread, Unmanaged.passUnretained(state).toOpaque())
        return state
    }
}
