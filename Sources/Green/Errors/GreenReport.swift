internal import CGreen

/// A message about something that no call returns: an error that no thread waited for, a deadlock, a thread that blocks
/// its hub while the ``Monitor`` is on, an environment variable that Green ignores.
///
/// Green writes reports to standard error, each with the prefix `green: `. A program with a log of its own sets a
/// handler:
///
/// ```swift
/// GreenReport.setHandler { report in
///     log(report.level, report.text, hub: report.origin?.hubName)
/// }
/// ```
///
/// The product `GreenLogging` passes reports to a `Logger` of swift-log; see <doc:LoggingAndMetrics>. Broken invariants
/// and overflows of a stack, which end the process, and dumps that a signal requests always go to standard error.
public struct GreenReport: Hashable, Sendable {
    /// How important a report is.
    public enum Level: Int, Comparable, CaseIterable, Sendable {
        /// The reason why Green does not use its first choice. Standard error gets it with `GREEN_LOG=debug` in the
        /// environment.
        case debug = 1

        /// Green continues in another way, or a client broke its connection.
        case warning

        /// An error that nothing else returns.
        case error

        public static func < (left: Level, right: Level) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// The importance of the report.
    public let level: Level

    /// One or more lines, without a prefix and without a newline at the end.
    public let text: String

    /// The green thread that the report is about, or else the one that ran when it arose. Nil on an OS thread without a
    /// hub.
    public let origin: Origin?

    /// Sets the function that gets all reports, of every level, instead of standard error. Nil: standard error gets
    /// them again.
    ///
    /// The handler is called on the OS thread on which a report arises, which may be one of Green's own. Several OS
    /// threads may call it at the same time. It runs on the stack of the running green thread, in the middle of a call
    /// of Green or in its event loop: it must neither block for long nor call Green, except for
    /// ``Channel/trySend(_:)``. Blocking calls in it throw a ``SystemError`` with the code `wouldBlock`. A report that
    /// arises in it goes to standard error.
    ///
    /// A former handler is released after its last call. Call it on any OS thread; a handler that calls it ends the
    /// process.
    ///
    /// - Parameter handler: The function.
    public static func setHandler(_ handler: (@Sendable (GreenReport) -> Void)?) {
        guard let handler else {
            checkOrTrap(green_report_set_handler(nil, nil, nil))
            return
        }
        let context = unsafe Unmanaged.passRetained(ReportHandler(handler))
        let result = unsafe green_report_set_handler(callHandler, context.toOpaque()) { context in
            unsafe Unmanaged<ReportHandler>.fromOpaque(context!).release()
        }
        checkOrTrap(result)
    }
}

extension GreenReport: CustomStringConvertible {
    /// The text.
    public var description: String { text }
}

extension GreenReport {
    /// A green thread and its hub.
    public struct Origin: Hashable, Sendable {
        /// The thread's ``GreenThread/id``.
        public let threadID: UInt64

        /// The thread's ``GreenThread/name``, or "".
        public let threadName: String

        /// The ``Hub/name`` of the thread's hub, or "".
        public let hubName: String
    }
}

extension GreenReport.Origin {
    /// The caller's green thread and hub; nil on an OS thread without a hub. Makes no hub.
    public static var current: Self? {
        unsafe "".withCString {
            var report = unsafe coreReport(.debug, text: $0, thread: 0, name: $0, hub: $0)
            unsafe green_report_locate(&report)
            return unsafe Self(report)
        }
    }

    init?(_ report: green_report) {
        guard unsafe report.thread != 0 else { return nil }
        threadID = unsafe report.thread
        threadName = unsafe String(cString: report.name!)
        hubName = unsafe String(cString: report.hub!)
    }

    /// That of a thread with a handle.
    init?(of thread: OpaquePointer?) {
        guard let thread = unsafe thread else { return nil }
        threadID = unsafe green_thread_id(thread)
        threadName = unsafe String(cString: green_thread_name(thread))
        hubName = unsafe String(cString: green_hub_name(green_thread_hub(thread)))
    }
}

extension GreenReport {
    /// Passes it to the program's handler, or to standard error.
    ///
    /// - Parameter ifRoom: Whether standard error gets nothing if it would block or its reader is gone.
    func send(ifRoom: Bool) {
        unsafe text.withCString { text in
            unsafe (origin?.threadName ?? "").withCString { name in
                unsafe (origin?.hubName ?? "").withCString { hub in
                    var report = unsafe coreReport(
                        level,
                        text: text,
                        thread: origin?.threadID ?? 0,
                        name: name,
                        hub: hub
                    )
                    unsafe report.if_room = ifRoom
                    unsafe green_report_send(&report)
                }
            }
        }
    }
}

private func coreReport(
    _ level: GreenReport.Level,
    text: UnsafePointer<CChar>,
    thread: UInt64,
    name: UnsafePointer<CChar>,
    hub: UnsafePointer<CChar>
) -> green_report {
    let level = green_report_level(UInt32(level.rawValue))
    return unsafe green_report(level: level, text: text, thread: thread, name: name, hub: hub, if_room: false)
}

/// The program's function, as an object that C can retain.
private final class ReportHandler: Sendable {
    let body: @Sendable (GreenReport) -> Void

    init(_ body: @escaping @Sendable (GreenReport) -> Void) {
        self.body = body
    }
}

private func callHandler(_ report: UnsafePointer<green_report>, _ context: UnsafeMutableRawPointer?) {
    let handler = unsafe Unmanaged<ReportHandler>.fromOpaque(context!).takeUnretainedValue()
    let level = unsafe GreenReport.Level(rawValue: Int(report.pointee.level.rawValue)) ?? .error
    let text = unsafe String(cString: report.pointee.text)
    handler.body(GreenReport(level: level, text: text, origin: unsafe GreenReport.Origin(report.pointee)))
}
