internal import CGreen

/// A time on the clock of the hub, which all its deadlines use. In a test the clock may be virtual.
struct HubInstant: Comparable {
    private let nanoseconds: Int64

    static var now: HubInstant {
        HubInstant(nanoseconds: green_now())
    }

    /// The instant after a duration, or the last one of the clock.
    func advanced(byAtMost duration: Duration) -> HubInstant {
        let (sum, overflows) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return HubInstant(nanoseconds: overflows ? .max : sum)
    }

    func duration(to other: HubInstant) -> Duration {
        .nanoseconds(other.nanoseconds - nanoseconds)
    }

    static func < (left: HubInstant, right: HubInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
