internal import CGreen

/// Reports an error that no call returns.
///
/// - Parameters:
///   - thread: The thread that the report is about; nil means the caller.
///   - ifRoom: Whether standard error gets nothing if it would block or its reader is gone. For errors that a peer can
///     cause at any time, so that the peer can neither block the process nor end it by SIGPIPE.
func report(_ error: any Error, _ what: String, of thread: GreenReport.Origin? = nil, ifRoom: Bool = false) {
    GreenReport(level: ifRoom ? .warning : .error, text: "\(what): \(error)", origin: thread).send(ifRoom: ifRoom)
}

/// Reports an error that ended a thread or a function. ``GreenExit`` is not a failure: it is not reported.
func reportFailure(_ error: any Error, _ what: @autoclosure () -> String, of thread: GreenReport.Origin? = nil) {
    if !(error is GreenExit) {
        report(error, what(), of: thread)
    }
}

/// The label of a thread in messages: "thread 7 'worker'".
@safe
func label(of thread: OpaquePointer?) -> String {
    unsafe GreenReport.Origin(of: thread)?.label ?? "a thread that was never started"
}

extension GreenReport.Origin {
    /// The label of the thread in messages.
    var label: String {
        threadName.isEmpty ? "thread \(threadID)" : "thread \(threadID) '\(threadName)'"
    }
}
