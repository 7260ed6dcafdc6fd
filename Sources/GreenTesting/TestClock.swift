internal import CGreen

/// The clock of this OS thread's hub, for the sleeps, timeouts and deadlines of its green threads.
///
/// In `withTestHub` it is virtual: it stands still while a green thread runs, and jumps to the next deadline when none
/// is ready. To advance it, sleep.
public enum TestClock {
    /// The time, as the duration since some start. Only differences have a meaning.
    ///
    /// ```swift
    /// let start = TestClock.now
    /// try GreenThread.sleep(for: .seconds(3600))
    /// #expect(TestClock.now - start == .seconds(3600))
    /// ```
    @available(*, noasync)
    public static var now: Duration {
        .nanoseconds(green_now())
    }

    /// Whether the clock is virtual.
    @available(*, noasync)
    public static var isVirtual: Bool {
        green_clock_is_virtual()
    }

    /// Runs the body while the clock of the hub advances in real time. Use it for a wait for work outside of the hub
    /// that Green does not know, such as an OS thread that has not used the channel yet.
    ///
    /// Other threads of the hub have the same clock. While the hub waits, their sleeps take their time, too. Has no
    /// effect if the clock is not virtual.
    ///
    /// - Parameter body: The function to run.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body.
    @available(*, noasync)
    public static func withRealTime<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let isHeld = green_clock_hold() == 0
        defer {
            if isHeld {
                green_clock_resume()
            }
        }
        return try body()
    }
}
