internal import CGreen
internal import Glibc
internal import SystemPackage

/// Writes one line about an error that no call returns.
///
/// Uses a single write, so that the lines of several threads and processes do not mix.
///
/// - Parameter ifRoom: Whether to write nothing if standard error would block or its reader is gone. For errors that a
///   peer can cause at any time, so that the peer can neither block the process nor end it by SIGPIPE.
func report(_ error: any Error, _ what: String, ifRoom: Bool = false) {
    var state = pollfd(fd: FileDescriptor.standardError.rawValue, events: Int16(POLLOUT), revents: 0)
    guard !ifRoom || (unsafe poll(&state, 1, 0) == 1 && state.revents == state.events) else { return }
    let line = "green: \(what): \(error)\n"
    // Standard error may be closed; then nothing can be reported.
    _ = try? FileDescriptor.standardError.writeAll(line.utf8)
}

/// Writes one line about an error that ended a thread or a function. ``GreenExit`` is not a failure: it writes nothing.
func reportFailure(_ error: any Error, _ what: @autoclosure () -> String) {
    if !(error is GreenExit) {
        report(error, what())
    }
}

/// The label of a thread in messages: "thread 7 'worker'".
@safe
func label(of thread: OpaquePointer?) -> String {
    guard let thread = unsafe thread else { return "a thread that was never started" }
    let name = unsafe String(cString: green_thread_name(thread))
    let number = unsafe "thread \(green_thread_id(thread))"
    return name.isEmpty ? number : "\(number) '\(name)'"
}
