/// Runs a function in a new green thread, for an `async` function.
///
/// ```swift
/// func version(of database: String) async throws -> String {
///     try await withGreenThread { try query("select version()", in: database) }
/// }
/// ```
///
/// The function may block: only its green thread waits, and the Task is suspended. It runs on the hub that the Task
/// runs on; a Task that runs on none uses the next hub of ``HubPool/shared``. Otherwise this is
/// ``Hub/run(name:stackSize:_:)``, which describes the effect of a cancellation.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
///   - function: The function to run. It and its result pass to another thread. They need not be `Sendable`, but other
///     code must not use them.
/// - Returns: The result of the function.
/// - Throws: The error of the function, or those of ``Hub/run(name:stackSize:_:)``. If the shared pool cannot be made,
///   that error.
@discardableResult
nonisolated(nonsending) public func withGreenThread<Success>(
    name: String? = nil,
    stackSize: Int? = nil,
    _ function: sending @escaping () throws -> sending Success
) async throws -> sending Success {
    let hub = try Hub.running ?? HubPool.shared.next()
    return try await hub.run(name: name, stackSize: stackSize, function)
}
