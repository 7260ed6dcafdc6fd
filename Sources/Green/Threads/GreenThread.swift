internal import CGreen

/// The handle of a green thread: a function that runs on a stack of its own until it blocks.
///
/// Made by ``spawn(name:stackSize:after:_:)``. Every blocking call of Green, such as a read from a ``Socket``, lets
/// the other green threads of the OS thread run; nothing else does. Copies are handles of the same thread, and a
/// thread runs to its end whether anybody holds a handle or not.
///
/// An error that ended a thread and that nobody waited for is reported once on standard error when the last handle
/// is gone. ``GreenExit`` never is.
///
/// A handle belongs to the OS thread that spawned; so it is not `Sendable`.
public struct GreenThread<Success> {
    @usableFromInline
    let state: ThreadState

    @inlinable
    init(_ state: ThreadState) {
        self.state = state
    }

    /// Waits until the thread has ended, and returns or throws what its function did.
    ///
    /// Any number of threads may wait, each any number of times. Does not block when the thread has ended already.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: What the function returned.
    /// - Throws: The error of the function; ``GreenExit``, or what ``kill(throwing:waitingForEnd:)`` was given, when it was
    ///   killed before it ran. A ``SystemError`` with the code `timedOut` after the timeout, ``DeadlockError`` from
    ///   the thread itself. When the caller is killed meanwhile, the error of that kill.
    @available(*, noasync)
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
