/// How long to wait between attempts that fail.
///
/// ``retry(attempts:delay:while:_:)`` takes one.
public struct Backoff: Sendable, Hashable {
    /// The limit of the first delay.
    private let first: Duration

    /// The maximum of the limit.
    private let longest: Duration

    private let isConstant: Bool

    /// Random delays below a limit that doubles with each attempt, which is called full jitter.
    ///
    /// Clients that failed together do not come back together.
    ///
    /// - Parameters:
    ///   - first: The limit of the first delay. Zero or less means no delay.
    ///   - longest: The maximum of the limit.
    /// - Returns: The backoff.
    public static func exponential(
        from first: Duration = .milliseconds(100),
        upTo longest: Duration = .seconds(30)
    ) -> Backoff {
        Backoff(first: first, longest: longest, isConstant: false)
    }

    /// The same delay after each attempt.
    ///
    /// - Parameter delay: The delay. Zero or less means no delay.
    /// - Returns: The backoff.
    public static func constant(_ delay: Duration) -> Backoff {
        Backoff(first: delay, longest: delay, isConstant: true)
    }

    /// No delay. The other threads run between two attempts.
    public static var none: Backoff { constant(.zero) }

    /// Returns the delay after an attempt that failed, with the system's random numbers.
    ///
    /// - Parameter attempt: The number of attempts so far. The first is 1.
    /// - Returns: The delay.
    // Not by the other function: ThreadSanitizer crashes when a value without size is passed on as inout.
    public func delay(afterAttempt attempt: Int) -> Duration {
        let limit = limit(afterAttempt: attempt)
        return .nanoseconds(isConstant ? limit : Int64.random(in: 0...limit))
    }

    /// Returns the delay after an attempt that failed.
    ///
    /// - Parameters:
    ///   - attempt: The number of attempts so far. The first is 1.
    ///   - generator: The source of random numbers.
    /// - Returns: The delay.
    public func delay(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let limit = limit(afterAttempt: attempt)
        return .nanoseconds(isConstant ? limit : Int64.random(in: 0...limit, using: &generator))
    }

    /// In nanoseconds.
    private func limit(afterAttempt attempt: Int) -> Int64 {
        let longest = longest.nanoseconds
        var limit = min(first.nanoseconds, longest)
        var doublings = isConstant ? 0 : attempt - min(attempt, 1)
        while doublings > 0, limit > 0, limit < longest {
            limit = limit > longest / 2 ? longest : limit * 2
            doublings -= 1
        }
        return limit
    }
}
