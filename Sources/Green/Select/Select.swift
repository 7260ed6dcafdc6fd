internal import CGreen
internal import Glibc

/// Waits for the first of several things, and runs the body of its case.
///
/// ```swift
/// let text = try select {
///     When.get(jobs) { job in "job \(job)" }
///     When.sent(stop) { _ in "stopped" }
///     When.after(.seconds(5)) { "idle" }
/// }
/// ```
///
/// Exactly one case is served, as if by the plain call of its object. The others take nothing and leave nothing behind:
/// no item, no permit, no thread. A case waits in line with plain calls. If several cases are ready, one of them is
/// served at random.
///
/// The body runs when the wait has ended, in the calling thread. It may block, return and throw. All bodies return the
/// same type.
///
/// An `if` in the list switches a case off, and a `for` adds a case for each element. ``Otherwise`` is for a call that
/// does not wait.
///
/// Blocks until a case is ready.
///
/// - Parameters:
///   - timeout: The maximum time to wait; zero does not block, nil means no limit.
///   - cases: The cases, made by ``When``.
/// - Returns: What the body returns.
/// - Throws: The error of the body. The error that the plain call of the served case would throw, such as
///   ``QueueClosed``. A ``SystemError`` with the code `timedOut` if no case was ready in time, or `invalidArgument`
///   if there is no case and no timeout. If the thread is killed, the error of that kill; no case was served.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
@inlinable
@inline(__always)
@discardableResult
public func select<Cases: SelectCase>(
    timeout: Duration? = nil,
    @SelectBuilder _ cases: () -> Cases
) throws -> Cases.Output {
    let cases = cases()
    let extent = cases.extent
    let slots = extent.count * selectSlotSize
    let limit = extent.hasOtherwise ? 0 : coreTimeout(timeout)
    return try unsafe withUnsafeTemporaryAllocation(byteCount: slots + extent.bytes, alignment: selectAlignment) {
        let start = unsafe SelectPlace(slot: $0.baseAddress!, room: $0.baseAddress! + slots)
        var place = start
        cases.prepare(in: &place)
        let served = unsafe selectCore(start.slot, extent.count, limit)
        place = start
        cases.discard(except: served, in: &place)
        if served >= 0 {
            place = start
            return try cases.finish(served, in: &place)
        }
        if extent.hasOtherwise, selectHasTimedOut(served), let result = try cases.otherwise() {
            return result
        }
        throw selectFailure(served)
    }
}

/// The alignment of cases and items. An item with a larger one is in a box.
@usableFromInline
let selectAlignment = 16

@usableFromInline
func selectCore(_ slots: UnsafeMutableRawPointer, _ count: Int, _ timeout: Int64) -> Int {
    unsafe green_select(slots.assumingMemoryBound(to: green_case.self), count, timeout)
}

@usableFromInline
func selectHasTimedOut(_ result: Int) -> Bool {
    result == -Int(ETIMEDOUT)
}

@usableFromInline
@inline(never)
func selectFailure(_ result: Int) -> any Error {
    failure(Int32(truncatingIfNeeded: result))
}
