/// Runs the body with a group that owns its green threads: none of them outlives this call.
///
/// ```swift
/// let pages = try withGreenGroup(of: Page.self) { group in
///     for host in hosts {
///         group.spawn { try fetch(host) }
///     }
///     return try group.results()
/// }
/// ```
///
/// When the body has returned, this call waits until all threads of the group have ended, also those that the threads
/// themselves spawn into it.
///
/// The first error ends the rest. It may be an error of the body, of a thread, or of an interrupt of the caller: a kill,
/// or the end of a time limit around this call. The other threads are killed, and all their later blocking calls throw
/// ``GreenExit``, except in a ``withCancellationShield(limit:_:)``. Threads that have not begun never do. Then this call
/// waits until they have ended. Nothing interrupts that wait: an interrupt of the caller stays pending for its next
/// blocking call. Last, this call throws the first error.
///
/// If a thread has failed, the blocking calls of the body throw ``GreenExit`` until the body has ended. If the body has
/// got the error of that thread by ``GreenGroup/nextResult(timeout:)`` or ``GreenThread/wait(timeout:)``, and throws
/// another one for it, this call throws that one. ``GreenExit`` as the error of a thread does not end the group: the
/// thread was killed. Errors of threads that this call does not throw are reported, unless a call returned them.
///
/// Groups nest, in one thread and in the threads of a group. See <doc:Scopes>.
///
/// - Parameters:
///   - type: The type of the results of the threads. It can be inferred if the body has a single expression.
///   - collectsErrors: Whether the group continues if a thread ends with an error. Take the errors by
///     ``GreenGroup/nextResult(timeout:)``.
///   - body: The code that spawns. It may also take results and wait for anything else.
/// - Returns: The result of the body.
/// - Throws: The first error.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@discardableResult
@inlinable
public func withGreenGroup<Success, Result>(
    of type: Success.Type = Success.self,
    collectingErrors collectsErrors: Bool = false,
    _ body: (GreenGroup<Success>) throws -> Result
) throws -> Result {
    let work = try GroupWork(collectingErrors: collectsErrors)
    let result: Result
    do {
        result = try body(GreenGroup(work))
    } catch {
        try work.end(after: error)
        throw error
    }
    try work.end(after: nil)
    return result
}
