internal import CGreen

/// A limit on how often something is done: a bucket of tokens that fills at a rate.
///
/// ```swift
/// let requests = RateLimiter(tokens: 100, per: .seconds(1), burst: 20)
/// for host in hosts {
///     try requests.acquire()
///     spawn { try fetch(host) }
/// }
/// ```
///
/// The bucket is full at first, and never holds more than the burst. Tokens come evenly. In any time, at most the burst
/// and the tokens of that time are taken. Fractions of a token are not lost.
///
/// Waiting threads are served first come, first served: a thread that needs many tokens is not overtaken by those that
/// need few. A thread whose wait is interrupted or expires takes no token.
///
/// A rate limiter belongs to the OS thread that first uses it, so it is not `Sendable`.
@safe
public final class RateLimiter {
    /// Owned.
    @safe private let handle: OpaquePointer

    /// The maximum number of tokens in the bucket.
    public let burst: Int

    /// Creates a rate limiter with a full bucket.
    ///
    /// - Parameters:
    ///   - tokens: How many tokens come in a period. A number below one ends the process.
    ///   - period: The period, rounded up to nanoseconds. Zero or less ends the process.
    ///   - burst: The maximum number of tokens in the bucket. A number below one ends the process.
    public init(tokens: Int, per period: Duration = .seconds(1), burst: Int = 1) {
        guard tokens > 0 else { fatalError("a RateLimiter cannot have a rate of \(tokens) tokens; give it 1 or more") }
        guard period > .zero else {
            fatalError("a RateLimiter cannot have a period of \(period); it must be longer than zero")
        }
        guard burst > 0 else { fatalError("a RateLimiter cannot have a burst of \(burst) tokens; give it 1 or more") }
        var options = green_rate_limiter_options()
        options.tokens = Int64(tokens)
        options.period = period.nanoseconds
        options.burst = Int64(burst)
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_rate_limiter_make(&handle, &options))
        unsafe self.handle = handle!
        self.burst = burst
    }

    deinit {
        unsafe green_rate_limiter_free(handle)
    }

    /// Takes tokens from the bucket. Blocks while it has too few, or while other threads wait.
    ///
    /// - Parameters:
    ///   - tokens: The number of tokens. 0 does not wait.
    ///   - timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the number is negative or greater than the burst,
    ///   or `timedOut` if the tokens were not there within the timeout. If the caller is killed or its ``Timeout``
    ///   fires while it waits, that error. In each case it has taken no token.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func acquire(_ tokens: Int = 1, timeout: Duration? = nil) throws {
        try check(unsafe green_rate_limiter_acquire(handle, Int64(tokens), timeout.timeout))
    }

    /// Takes tokens from the bucket if it has enough now and no thread waits. Does not block.
    ///
    /// - Parameter tokens: The number of tokens.
    /// - Returns: Whether it took them.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the number is negative or greater than the burst.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func tryAcquire(_ tokens: Int = 1) throws -> Bool {
        try check(unsafe green_rate_limiter_try_acquire(handle, Int64(tokens))) > 0
    }

    /// The number of whole tokens in the bucket. Threads that wait take them first.
    public var available: Int {
        Int(unsafe green_rate_limiter_available(handle))
    }

    /// The number of threads that wait for tokens.
    public var waitingCount: Int {
        unsafe green_rate_limiter_waiting(handle)
    }
}

@available(*, unavailable)
extension RateLimiter: Sendable {}
