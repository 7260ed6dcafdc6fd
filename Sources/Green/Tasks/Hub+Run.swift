internal import CGreen

extension Hub {
    /// Runs a function in a new green thread of this hub, for an `async` function.
    ///
    /// ```swift
    /// let page = try await hub.run {
    ///     let socket = try connect(to: address, timeout: .seconds(5))
    ///     try socket.write("GET / HTTP/1.0\r\n\r\n")
    ///     return try socket.read(upTo: 65_536)
    /// }
    /// ```
    ///
    /// The function may block: only its green thread waits, and the Task is suspended. If the Task runs on this hub,
    /// the call stays on one OS thread. The function has the task-locals of the Task. It runs to its end before the
    /// call returns.
    ///
    /// A cancellation of the Task kills the thread: its current blocking call, or else its next one, throws
    /// `CancellationError`. The call still waits for the thread, and returns or throws what the function does. If the
    /// Task is cancelled before the function begins, the function never runs.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - function: The function to run. It and its result pass to another thread. They need not be `Sendable`, but
    ///     other code must not use them.
    /// - Returns: The result of the function.
    /// - Throws: The error of the function. `CancellationError` if the Task is cancelled before it begins. A
    ///   ``SystemError`` with the code `noSuchProcess` if the hub has ended, or ends before the function, or
    ///   `noMemory`.
    @discardableResult
    nonisolated(nonsending) public func run<Success>(
        name: String? = nil,
        stackSize: Int? = nil,
        _ function: sending @escaping () throws -> sending Success
    ) async throws -> sending Success {
        try Task.checkCancellation()
        let call = TaskCall(function, on: self)
        let error = unsafe call.spawn(name: name, stackSize: stackSize, delay: nil) {
            unsafe green_hub_spawn_unordered(handle, $0, $1, $2, $3)
        }
        if let error {
            throw error
        }
        await call.waitForEnd()
        return try call.takeOutcome()
    }
}

extension HubPool {
    /// Runs a function in a new green thread of the next hub of this pool, for an `async` function.
    ///
    /// The same as ``Hub/run(name:stackSize:_:)`` of the hub that ``next()`` returns.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - function: The function to run.
    /// - Returns: The result of the function.
    /// - Throws: The errors of ``Hub/run(name:stackSize:_:)``.
    @discardableResult
    nonisolated(nonsending) public func run<Success>(
        name: String? = nil,
        stackSize: Int? = nil,
        _ function: sending @escaping () throws -> sending Success
    ) async throws -> sending Success {
        try await next().run(name: name, stackSize: stackSize, function)
    }
}
