/// A wait that nothing could ever have ended.
///
/// Thrown by a thread that waits for itself, and by one that waits when no other thread can run and no timer or
/// input is pending. In the second case, who waits for what is written to standard error.
public struct DeadlockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was waited for, as a sentence.
    public let message: String

    public var description: String { message }
}
