internal import CGreen

/// Instants at a fixed distance, which a green thread waits for one after the other.
///
/// ```swift
/// let ticks = Ticks(every: .seconds(1))
/// while try ticks.next() != nil {
///     try publish()
/// }
/// ```
///
/// A loop of work and ``GreenThread/sleep(for:)`` takes the time of both in each round. Ticks are at multiples of the
/// period after the start, however long the work takes.
///
/// One green thread at a time may use an object, so it is not `Sendable`. It costs nothing while no thread waits.
@safe
public final class Ticks {
    /// What happens when the work between two ticks takes so long that ticks are missed.
    ///
    /// The first tick that was missed is always taken late, at once. The rule is for the ticks after it.
    public enum MissedTicks: Sendable {
        /// Missed ticks are left out.
        case skip

        /// Missed ticks are made up for, without a wait between them.
        case burst

        /// The ticks move, so that a period is between two of them.
        case delay

        fileprivate var core: green_missed_ticks {
            switch self {
            case .skip: GREEN_SKIP_MISSED
            case .burst: GREEN_BURST_MISSED
            case .delay: GREEN_DELAY_MISSED
            }
        }
    }

    /// The time between two ticks.
    public let period: Duration

    /// No tick is later; nil means that the ticks do not end.
    public let end: HubInstant?

    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    private var interval = green_interval()

    /// Starts the ticks. The first one is a period from now.
    ///
    /// - Parameters:
    ///   - period: The time between two ticks, rounded up to nanoseconds. Zero or less ends the process.
    ///   - missed: What happens when ticks are missed.
    ///   - end: The instant after which there are no ticks; nil means that they do not end.
    public init(every period: Duration, missed: MissedTicks = .skip, until end: HubInstant? = nil) {
        guard period > .zero else {
            fatalError("Ticks cannot have a period of \(period); it must be longer than zero")
        }
        self.period = period
        self.end = end
        checkOrTrap(unsafe green_interval_start(&interval, period.nanoseconds, missed.core))
    }

    /// Waits for the next tick. Blocks. If the tick is due already, lets the ready threads run once.
    ///
    /// - Returns: The instant at which the tick was due; nil if it would be after the end.
    /// - Throws: If the thread is killed, the error of that kill; if its ``Timeout`` fires, that timeout. The next call
    ///   then waits for the same tick.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func next() throws -> HubInstant? {
        if let end, interval.due > end.nanoseconds {
            try checkInterrupt()
            return nil
        }
        var state = interval
        var tick: Int64 = 0
        try check(unsafe green_interval_next(&state, &tick))
        interval = state
        return HubInstant(nanoseconds: tick)
    }
}

@available(*, unavailable)
extension Ticks: Sendable {}
