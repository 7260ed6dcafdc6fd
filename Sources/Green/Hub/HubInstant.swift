internal import CGreen

/// A time on the clock of the hub, which all its sleeps, timeouts and deadlines use.
///
/// ```swift
/// let deadline = HubInstant.now.advanced(by: .seconds(30))
/// try GreenThread.sleep(until: deadline)
/// ```
///
/// The clock is CLOCK_MONOTONIC: it does not change when the system's date is set, and stands still while the system is
/// suspended. Instants of different hubs can be compared. In a test the clock of a hub may be virtual; then its instants
/// are for this hub only.
public struct HubInstant: InstantProtocol, Sendable {
    /// Nanoseconds of the core's clock.
    let nanoseconds: Int64

    /// The current time on the clock of this OS thread's hub.
    public static var now: HubInstant {
        HubInstant(nanoseconds: green_now())
    }

    /// Returns the instant after a duration, which may be negative.
    ///
    /// Fractions of a nanosecond are rounded up. A result outside of the clock's range of 292 years is the first or the
    /// last instant of it. The last one never comes.
    ///
    /// - Parameter duration: The duration to add.
    /// - Returns: The instant.
    public func advanced(by duration: Duration) -> HubInstant {
        let isNegative = duration < .zero
        // No negation of the smallest duration, which would overflow.
        let length = isNegative ? .zero - max(duration, .zero - .longest) : duration
        let change = isNegative ? -length.nanosecondsRoundedDown : length.nanoseconds
        let (sum, overflows) = nanoseconds.addingReportingOverflow(change)
        return HubInstant(nanoseconds: !overflows ? sum : isNegative ? .min : .max)
    }

    /// Returns the duration from this instant to another one; negative if the other one is earlier.
    ///
    /// - Parameter other: The other instant.
    /// - Returns: The duration.
    public func duration(to other: HubInstant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    public static func < (left: HubInstant, right: HubInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
