internal import CGreen

extension Hub {
    /// Starts a function in a new green thread of this hub. Call it on any OS thread.
    ///
    /// ```swift
    /// let thread = hub.spawn { try fetch("example.org:80") }
    /// let page = try thread.wait()
    /// ```
    ///
    /// The function runs in parallel to the caller, so it must be `Sendable`, and with it what it captures. Objects
    /// that belong to one OS thread, such as a ``Socket`` or a ``Queue``, are not: create them in the function, and
    /// pass values through a ``Channel``.
    ///
    /// ``RemoteThread/wait(timeout:)`` returns the result of the function, or throws its error. The thread runs to its
    /// end even if its handle is dropped. If it cannot be started, because the hub has ended or there is no memory, the
    /// handle is that of a thread that has ended with that error. Threads that one caller spawns on a hub start in the
    /// order of the calls.
    ///
    /// Does not block. On the hub's own OS thread, ``/Green/spawn(name:stackSize:after:_:)`` costs less.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it. A NUL is replaced by
    ///     "␀".
    ///   - stackSize: Bytes of address space for the stack; only pages that are touched use memory. Sizes below 64 KiB
    ///     are raised to that; nil means the hub's default of 1 MiB.
    ///   - delay: The time until the thread becomes ready; nil means at once.
    ///   - function: The function to run.
    /// - Returns: The handle of the thread.
    @discardableResult
    public func spawn<Success: Sendable>(
        name: String? = nil,
        stackSize: Int? = nil,
        after delay: Duration? = nil,
        _ function: @escaping @Sendable () throws -> Success
    ) -> RemoteThread<Success> {
        let call = RemoteCall(function, on: self)
        // If it fails, the thread has ended with the error.
        _ = unsafe call.spawn(name: name, stackSize: stackSize, delay: delay) {
            unsafe green_hub_spawn(handle, $0, $1, $2, $3)
        }
        return RemoteThread(call)
    }

    /// Starts a function in a new green thread of this hub, without a handle. Call it on any OS thread.
    ///
    /// Like ``spawn(name:stackSize:after:_:)``, but cheaper. An error that the function throws is reported on standard
    /// error, except ``GreenExit``. If the thread cannot be started, that error is reported.
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - function: The function to run.
    public func detach(name: String? = nil, stackSize: Int? = nil, _ function: @escaping @Sendable () throws -> Void) {
        unsafe DetachedFunction(function).start(name: name, stackSize: stackSize) {
            unsafe green_hub_spawn(handle, nil, $0, $1, $2)
        }
    }
}
