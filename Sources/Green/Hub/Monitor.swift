internal import CGreen

/// A look at all hubs of the process from outside: which green thread holds one, and what all are doing.
///
/// ```swift
/// try Monitor.start(limit: .milliseconds(50)) { hold in
///     log.warning("\(hold)")
/// }
/// try Monitor.dumpAll(on: .quit)
/// ```
///
/// Both are off until they are called, and are called on any OS thread. While one of them is on, one OS thread more
/// looks at the hubs, which themselves run as fast as before.
public enum Monitor {
    /// Switches the monitor on: each green thread that holds its hub for longer than the limit is reported, once for
    /// each such hold.
    ///
    /// A hub that waits in the kernel, or has no green thread but its OS thread's own, is not held. The report costs
    /// the thread that it is about one signal: a system call that it is in may end with `EINTR`, as for any signal.
    ///
    /// From then on ``Hub/Statistics/longestIteration`` is measured, too. `GREEN_MONITOR=50` in the environment switches
    /// the monitor on as the first hub is made, with a limit of so many milliseconds.
    ///
    /// - Parameters:
    ///   - limit: How long a thread may hold its hub, at least 1 ms. The hubs are looked at four times as often.
    ///   - signal: What asks an OS thread where it is. A handler that the program has for it is still called for those
    ///     that come from elsewhere. An OS thread that has it blocked does not answer.
    ///   - report: Called with each hold, on an OS thread of Green's, while the green thread goes on; it must not call
    ///     the functions of this type. Nil writes it to standard error.
    /// - Throws: A ``SystemError``, with the code `alreadyInProcess` when it is on, `invalidArgument` when the limit is
    ///   too small or the signal cannot be caught, `resourceBusy` when the signal asks for dumps,
    ///   `resourceTemporarilyUnavailable` when no OS thread can be started.
    public static func start(
        limit: Duration = .milliseconds(100),
        signal: Signal = .urgent,
        report: (@Sendable (Hold) -> Void)? = nil
    ) throws {
        var options = unsafe green_monitor_options()
        // Zero is the core's default.
        unsafe options.limit = max(limit.nanoseconds, 1)
        unsafe options.signal = signal.rawValue
        guard let report else {
            try check(unsafe green_monitor_start(&options))
            return
        }
        let context = unsafe Unmanaged.passRetained(MonitorReport(report))
        unsafe options.context = unsafe context.toOpaque()
        unsafe options.report = { hold, context in
            let report = unsafe Unmanaged<MonitorReport>.fromOpaque(context!).takeUnretainedValue()
            report.body(unsafe Hold(hold.pointee))
        }
        unsafe options.discard = { context in
            unsafe Unmanaged<MonitorReport>.fromOpaque(context!).release()
        }
        do {
            try check(unsafe green_monitor_start(&options))
        } catch {
            unsafe context.release()
            throw error
        }
    }

    /// Switches the monitor off, and returns when no report is under way any more. Nothing happens if it is off.
    ///
    /// - Throws: A ``SystemError`` with the code `resourceDeadlockAvoided` when the report has called it.
    public static func stop() throws {
        try check(green_monitor_stop())
    }

    /// Has every hub of the process write to standard error what its green threads are doing, each time the signal
    /// comes, as by `kill -QUIT`.
    ///
    /// A line for each thread, as of ``GreenThread/dumpAll(to:)``. A hub does so at its next turn, also when it waits
    /// in the kernel. One that is held meanwhile is reported with the green thread that holds it, and where that is.
    ///
    /// - Parameter signal: Which one; it replaces the one before. Nil switches it off, which gives the signal back its
    ///   former action. It must not be blocked, which ``Signals`` does to those that it collects.
    /// - Throws: A ``SystemError``, with the code `invalidArgument` when it cannot be caught, `resourceBusy` when the
    ///   monitor uses it, `resourceTemporarilyUnavailable` when no OS thread can be started,
    ///   `resourceDeadlockAvoided` when the monitor's report has called it.
    public static func dumpAll(on signal: Signal?) throws {
        // Signal 0 switches it off in the core.
        try check(green_dump_on_signal(signal.map { $0.rawValue == 0 ? -1 : $0.rawValue } ?? 0))
    }
}

/// The program's function as something that C can hold.
private final class MonitorReport: Sendable {
    let body: @Sendable (Monitor.Hold) -> Void

    init(_ body: @escaping @Sendable (Monitor.Hold) -> Void) {
        self.body = body
    }
}
