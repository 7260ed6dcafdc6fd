internal import CGreen
public import SystemPackage

/// Observes all hubs of the process: reports green threads that block their hub, and dumps what all threads do.
///
/// ```swift
/// try Monitor.start(limit: .milliseconds(50)) { hold in
///     log.warning("\(hold)")
/// }
/// try Monitor.dumpAll(on: .quit)
/// ```
///
/// Both are off by default, and can be switched on from any OS thread. While one of them is on, an additional OS thread
/// observes the hubs, which run as fast as before.
public enum Monitor {
    /// Switches the monitor on, which reports each green thread that blocks its hub for longer than the limit, with a
    /// backtrace, once for each such hold.
    ///
    /// A hub that waits in the kernel, or that has no green thread besides its OS thread's own context, is not blocked.
    /// The OS thread of a reported thread receives one signal, so a system call that it is in may end with `EINTR`, as
    /// for any signal.
    ///
    /// While the monitor is on, ``Hub/Statistics/longestIteration`` is measured, too. `GREEN_MONITOR=50` in the
    /// environment switches the monitor on when the first hub is created, with a limit of 50 milliseconds.
    ///
    /// - Parameters:
    ///   - limit: How long a thread may block its hub, at least 1 ms. The hubs are checked four times in this time.
    ///   - signal: The signal that asks an OS thread for its backtrace. A handler that the program has installed for it
    ///     is still called for signals from elsewhere. An OS thread that blocks the signal is reported without a
    ///     backtrace.
    ///   - report: Called with each hold, on an OS thread of Green, while the green thread continues. It must not call
    ///     the functions of this type. Nil means that holds are reported: to standard error, or to the handler of
    ///     ``GreenReport``.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the monitor is on, `invalidArgument` if the
    ///   limit is too small or the signal cannot be caught, `resourceBusy` if the signal is used for dumps, or
    ///   `resourceTemporarilyUnavailable` if no OS thread can be started.
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

    /// Switches the monitor off, and waits for a report that is in progress. Does nothing if it is off.
    ///
    /// - Throws: A ``SystemError`` with the code `resourceDeadlockAvoided` if the monitor's report calls it.
    public static func stop() throws {
        try check(green_monitor_stop())
    }

    /// Writes a dump of the green threads of every hub of the process, the oldest hub first. Call it on any OS thread.
    ///
    /// A dump has a line for each thread, like ``GreenThread/dumpAll(to:)``. Each hub prepares it in its next loop
    /// iteration, even if it waits in the kernel. Blocks the OS thread while the descriptor blocks.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to write to.
    ///   - timeout: The maximum time to wait for the hubs; nil means no limit. A hub that has not answered by then is
    ///     blocked by a green thread; its line says so.
    /// - Returns: The number of hubs that are blocked.
    /// - Throws: If the caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public static func dumpAll(
        to descriptor: FileDescriptor = .standardError,
        timeout: Duration? = .seconds(1)
    ) throws -> Int {
        Int(try check(green_dump_all(descriptor.rawValue, timeout.timeout)))
    }

    /// Makes every hub of the process write a dump of its green threads to standard error each time the signal arrives,
    /// such as by `kill -QUIT`.
    ///
    /// A dump has a line for each thread, like ``GreenThread/dumpAll(to:)``. A hub writes it in its next loop
    /// iteration, even if it waits in the kernel. For a hub that is blocked, the report is the green thread that blocks
    /// it, and its backtrace.
    ///
    /// `GREEN_DUMP=QUIT` in the environment does the same for SIGQUIT when the first hub is created, without a change to
    /// the program. The value is the name of a signal without SIG.
    ///
    /// - Parameter signal: The signal, which replaces the previous one. Nil switches dumps off and restores the
    ///   signal's former action. The signal must not be blocked; ``Signals`` blocks the signals that it collects.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the signal cannot be caught, `resourceBusy` if
    ///   the monitor uses it, `resourceTemporarilyUnavailable` if no OS thread can be started, or
    ///   `resourceDeadlockAvoided` if the monitor's report calls it.
    public static func dumpAll(on signal: Signal?) throws {
        // Signal 0 switches it off in the core.
        try check(green_dump_on_signal(signal.map { $0.rawValue == 0 ? -1 : $0.rawValue } ?? 0))
    }
}

/// The program's report function, as an object that C can retain.
private final class MonitorReport: Sendable {
    let body: @Sendable (Monitor.Hold) -> Void

    init(_ body: @escaping @Sendable (Monitor.Hold) -> Void) {
        self.body = body
    }
}
