/// The error that ends a killed green thread.
///
/// The blocking call that a killed thread is in, or its next one, throws this error unless
/// ``GreenThread/kill(throwing:waitingForEnd:)`` was given another one. Let it pass: a thread that ends with it has ended
/// as asked, and nothing is reported.
public struct GreenExit: Error, Hashable, Sendable, CustomStringConvertible {
    /// Makes the error. A thread may also throw it by itself, to end without a word.
    public init() {}

    public var description: String {
        "the green thread was killed"
    }
}
