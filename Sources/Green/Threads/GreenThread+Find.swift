internal import CGreen

extension GreenThread where Success == Never {
    /// The handles of all green threads of this OS thread that have not ended, in the order of their ``GreenThread/id``.
    ///
    /// Among them are threads without a handle, which ``detach(name:stackSize:_:)`` has started, and the context of the
    /// OS thread.
    ///
    /// ```swift
    /// for thread in GreenThread.all where thread.name == "worker" {
    ///     try thread.kill()
    /// }
    /// ```
    ///
    /// From then on ``GreenThread/wait(timeout:)`` of such a handle throws the error that ends a detached thread; the
    /// error is reported only if no call has thrown it.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static var all: [GreenThread<Void>] {
        let found = FoundThreads()
        checkOrTrap(
            unsafe green_thread_each(
                { thread, context in
                    unsafe Unmanaged<FoundThreads>.fromOpaque(context!).takeUnretainedValue().append(thread)
                },
                Unmanaged.passUnretained(found).toOpaque()
            )
        )
        return withExtendedLifetime(found) { found.threads }
    }

    /// Returns the handle of a green thread of this OS thread, such as one that has no handle.
    ///
    /// ``dumpAll(to:)`` shows the numbers of all threads, and a thread can pass on its own:
    /// `GreenThread.current.id`.
    ///
    /// - Parameter id: The number of the thread, its ``GreenThread/id``.
    /// - Returns: The handle; nil if this OS thread has no such thread, or if it has ended.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func find(id: UInt64) -> GreenThread<Void>? {
        guard let thread = unsafe green_thread_find(id) else { return nil }
        defer { unsafe green_thread_release(thread) }
        return unsafe GreenThread<Void>(.found(thread))
    }
}

/// The handles of the threads that the core has found.
private final class FoundThreads {
    private(set) var threads: [GreenThread<Void>] = []

    func append(_ thread: OpaquePointer) {
        threads.append(unsafe GreenThread<Void>(.found(thread)))
    }
}

extension ThreadState {
    /// The state of a thread that has not ended, which may have none until now.
    fileprivate static func found(_ thread: OpaquePointer) -> ThreadState {
        if let state = unsafe known(for: thread) { return state }
        if unsafe thread == green_current() { return unsafe adopted(thread) }
        // Like that of the current thread, the state lives to the thread's end. A link is called then.
        let state = unsafe ThreadState(adopting: thread)
        let context = unsafe Unmanaged.passRetained(state).toOpaque()
        unsafe green_thread_set_context(thread, context)
        checkOrTrap(
            unsafe green_thread_link(
                thread,
                nil,
                { _, context in unsafe Unmanaged<ThreadState>.fromOpaque(context!).release() },
                context
            )
        )
        return state
    }
}
