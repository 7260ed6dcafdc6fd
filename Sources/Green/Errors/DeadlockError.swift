/// The error of a wait that nothing could ever end.
///
/// Thrown to a thread that waits for itself, and to an OS thread's own context that waits when no other thread can run
/// and no timer or operation is pending. In the second case, a dump of all waiting threads is written to standard
/// error.
///
/// An offloaded call, a wait for a ``Promise`` or a ``Channel``, a patched lock and a reference to the ``Hub`` count as
/// pending operations, because another OS thread may end a wait through them. Green does not know about other callbacks
/// and Tasks: let them send to a promise or a channel, or keep a reference to the hub.
public struct DeadlockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error message: what was waited for.
    public let message: String

    public var description: String { message }
}
