internal import CGreen
public import SystemPackage

extension GreenThread where Success == Never {
    /// The handle of the running thread. ``GreenThread/wait(timeout:)`` of it throws the thread's error, but returns no
    /// result.
    ///
    /// An OS thread's own context, such as `main`, has a handle as well.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var current: GreenThread<Void> {
        guard let handle = unsafe green_current() else {
            return GreenThread<Void>(ThreadState(failed: failure(green_hub_open(nil))))
        }
        return unsafe GreenThread<Void>(ThreadState.known(for: handle) ?? .adopted(handle))
    }

    /// Runs every thread that is ready now, and one loop iteration of I/O.
    ///
    /// - Throws: If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func yield() throws {
        try check(green_yield())
    }

    /// Throws the pending interrupt that the thread's next blocking call would throw, if there is one.
    ///
    /// Use it in functions that run for long without blocking, and at the start of functions that block only sometimes.
    /// Does not block, and does not run other threads. Throws nothing in a function of ``GreenThread/onExit(_:)``.
    ///
    /// - Throws: If the thread was killed, the error of that kill; if its ``Timeout`` has fired, that timeout.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func checkInterrupt() throws {
        try Green.checkInterrupt()
    }

    /// Blocks for at least the given time. With zero or less it yields.
    ///
    /// - Parameter duration: The time to sleep.
    /// - Throws: If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func sleep(for duration: Duration) throws {
        try check(green_sleep(duration.nanoseconds))
    }

    /// Blocks until the hub's clock has reached an instant. If it has passed, yields.
    ///
    /// ```swift
    /// let start = HubInstant.now
    /// try prepare()
    /// try GreenThread.sleep(until: start.advanced(by: .seconds(10)))
    /// ```
    ///
    /// - Parameter deadline: The instant. The last one of the clock never comes.
    /// - Throws: If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func sleep(until deadline: HubInstant) throws {
        try check(green_sleep_until(deadline.nanoseconds))
    }

    /// Blocks until a descriptor has one of the events. Use it for descriptors that Green has no type for. It
    /// corresponds to poll(2).
    ///
    /// The caller still owns the descriptor and must keep it open during the call. Several threads may wait for it.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor.
    ///   - events: The events to wait for, at least one.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Returns: The events that the descriptor has, among those and `error` and `hangup`.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires, or `badFileDescriptor` if the
    ///   descriptor is not open. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public static func wait(
        for descriptor: FileDescriptor,
        _ events: PollEvents,
        timeout: Duration? = nil
    ) throws -> PollEvents {
        let found = try check(green_wait_fd(descriptor.rawValue, events.rawValue, timeout.timeout))
        return PollEvents(rawValue: Int16(truncatingIfNeeded: found))
    }

    /// Writes one line for each green thread of this OS thread: its number, name and state, what it waits for and for
    /// how long, and how much stack it has used.
    ///
    /// Blocks the OS thread while it writes.
    ///
    /// - Parameter descriptor: The descriptor to write to.
    /// - Throws: A ``SystemError``, with the code `noSuchFileOrDirectory` if this OS thread has no hub.
    public static func dumpAll(to descriptor: FileDescriptor = .standardError) throws {
        try check(green_dump(descriptor.rawValue))
    }
}

extension ThreadState {
    /// The state of a thread, if it has one.
    static func known(for thread: OpaquePointer) -> ThreadState? {
        guard let context = unsafe green_thread_context(thread) else { return nil }
        return unsafe Unmanaged<ThreadState>.fromOpaque(context).takeUnretainedValue()
    }

    /// Makes a state for the current thread, which has none. The thread finds it by its context, and keeps it to its
    /// end: otherwise another OS thread could release the last handle while the thread looks for it.
    static func adopted(_ thread: OpaquePointer) -> ThreadState {
        let state = unsafe ThreadState(adopting: thread)
        let context = unsafe Unmanaged.passRetained(state).toOpaque()
        unsafe green_thread_set_context(thread, context)
        checkOrTrap(unsafe green_local_set(adoptedState, context))
        return state
    }
}

/// The key under which a thread that was not spawned in Swift keeps its state.
@safe private nonisolated(unsafe) let adoptedState: OpaquePointer = {
    var key: OpaquePointer?
    checkOrTrap(unsafe green_local_make(&key) { unsafe Unmanaged<ThreadState>.fromOpaque($0).release() })
    return unsafe key!
}()
