internal import CGreen

/// The handle of a green thread, which runs a function on its own stack until the function blocks.
///
/// ``spawn(name:stackSize:after:_:)`` starts one. Every blocking call of Green, such as a read from a ``Socket``, runs
/// the other green threads of the OS thread; nothing else does. Copies are handles of the same thread. A thread runs to
/// its end even if no handle of it remains.
///
/// If no call returns the error that ended a thread, the error is reported on standard error when the last handle is
/// released. ``GreenExit`` is not reported.
///
/// A handle belongs to the OS thread of its green thread, so it is not `Sendable`.
public struct GreenThread<Success> {
    @usableFromInline
    let state: ThreadState

    @inlinable
    init(_ state: ThreadState) {
        self.state = state
    }

    /// Waits until the thread has ended, and returns the result of its function or throws its error.
    ///
    /// Any number of threads may wait, each any number of times. Does not block if the thread has ended already.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The result of the function.
    /// - Throws: The error of the function. If the thread was killed before it ran, ``GreenExit`` or the error of the
    ///   kill. A ``SystemError`` with the code `timedOut` if the timeout expires. ``DeadlockError`` if the thread waits
    ///   for itself. If the caller is killed while it waits, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public func wait(timeout: Duration? = nil) throws -> Success {
        try state.join(timeout: timeout)
        return state.value()
    }

    /// Whether the thread has ended.
    public var isFinished: Bool {
        guard let handle = state.handle else { return true }
        return unsafe green_thread_is_finished(handle)
    }
}

@available(*, unavailable)
extension GreenThread: Sendable {}

extension GreenThread: Hashable {
    public static func == (left: GreenThread, right: GreenThread) -> Bool {
        left.state === right.state
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(state))
    }
}

extension GreenThread: CustomStringConvertible {
    /// The number and the name, as in "thread 7 'worker'".
    public var description: String {
        label(of: state.handle)
    }
}
