internal import CGreen

/// A deadline, for several waits that share one timeout.
struct Deadline {
    /// In nanoseconds, on the core's clock; nil means no limit.
    private let end: Int64?

    init(_ timeout: Duration?) {
        end = timeout.map {
            let (end, overflows) = green_now().addingReportingOverflow($0.nanoseconds)
            return overflows ? .max : end
        }
    }

    /// The time left; nil means no limit.
    var rest: Duration? {
        end.map { .nanoseconds(max($0 - green_now(), 0)) }
    }
}
