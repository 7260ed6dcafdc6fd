/// The error that ends a killed green thread.
///
/// The blocking call that a killed thread is in, or its next one, throws this error unless
/// ``GreenThread/kill(throwing:waitingForEnd:)`` was given another one. Do not catch it: a thread that ends with it is
/// not reported.
public struct GreenExit: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error. A thread may throw it to end without a report.
    public init() {}

    public var description: String {
        "the green thread was killed"
    }
}
