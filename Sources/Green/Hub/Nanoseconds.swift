internal import CGreen

extension Duration {
    /// The duration in nanoseconds, the core's unit, rounded up so that no wait is too short. A negative duration is
    /// zero, and one of more than 292 years is cut to that.
    var nanoseconds: Int64 {
        guard self > .zero else { return 0 }
        guard self < .longest else { return .max }
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + (attoseconds + 999_999_999) / 1_000_000_000
    }

    /// The duration in nanoseconds, rounded down, within the limits of `nanoseconds`.
    var nanosecondsRoundedDown: Int64 {
        guard self > .zero else { return 0 }
        guard self < .longest else { return .max }
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The maximum of the core. A deadline that far ahead can still be computed.
    static var longest: Duration { .nanoseconds(Int64.max) }

    /// The duration of the core's nanoseconds; nil for a negative number, which means no limit.
    init?(nanoseconds: Int64) {
        guard nanoseconds >= 0 else { return nil }
        self = .nanoseconds(nanoseconds)
    }
}

extension Duration? {
    /// The timeout in the core's unit; nil means no limit.
    @inline(__always)
    var timeout: Int64 {
        guard let self else { return GREEN_FOREVER }
        return self.nanoseconds
    }
}
