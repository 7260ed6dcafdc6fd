internal import CGreen

extension Duration {
    /// The duration in the core's unit, rounded up so that no wait is shorter than asked. Negative ones are zero,
    /// those of more than 292 years that long.
    var nanoseconds: Int64 {
        guard self > .zero else { return 0 }
        guard self < .longest else { return .max }
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + (attoseconds + 999_999_999) / 1_000_000_000
    }

    /// The core's maximum. A deadline that far ahead can still be computed.
    static var longest: Duration { .nanoseconds(Int64.max) }

    /// The duration for a core that was given nanoseconds; nil is none.
    init?(nanoseconds: Int64) {
        guard nanoseconds >= 0 else { return nil }
        self = .nanoseconds(nanoseconds)
    }
}

extension Duration? {
    /// The timeout in the core's unit, where nil is to wait for as long as it takes.
    @inline(__always)
    var timeout: Int64 {
        guard let self else { return GREEN_FOREVER }
        return self.nanoseconds
    }
}

extension ContinuousClock.Instant {
    /// The instant after a duration. Counts at most 292 years of it, because later instants cannot be expressed.
    func advanced(byAtMost duration: Duration) -> ContinuousClock.Instant {
        advanced(by: .nanoseconds(duration.nanoseconds))
    }
}
