internal import CGreen

/// The end of a timeout that several waits share.
struct Deadline {
    /// In the core's unit and on its clock; nil is none.
    private let end: Int64?

    init(_ timeout: Duration?) {
        end = timeout.map {
            let (end, overflows) = green_now().addingReportingOverflow($0.nanoseconds)
            return overflows ? .max : end
        }
    }

    /// What is left of the timeout; nil is for as long as it takes.
    var rest: Duration? {
        end.map { .nanoseconds(max($0 - green_now(), 0)) }
    }
}
