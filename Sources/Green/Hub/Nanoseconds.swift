internal import CGreen

extension Duration {
    /// The duration in the core's unit, rounded up so that no wait is shorter than asked. Negative ones are zero,
    /// those of more than 292 years that long.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflows) = whole.addingReportingOverflow((attoseconds + 999_999_999) / 1_000_000_000)
        return overflow || overflows ? .max : sum
    }

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
