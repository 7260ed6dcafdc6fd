internal import Glibc

/// A signal of the system, by its number.
public struct Signal: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The terminal's Ctrl-C. The corresponding C constant is `SIGINT`.
    public static var interrupt: Signal { Signal(rawValue: SIGINT) }

    /// The request to terminate. The corresponding C constant is `SIGTERM`.
    public static var terminate: Signal { Signal(rawValue: SIGTERM) }

    /// The terminal was closed; for servers, a request to reload their configuration. The corresponding C constant is
    /// `SIGHUP`.
    public static var hangup: Signal { Signal(rawValue: SIGHUP) }

    /// The terminal's Ctrl-\. The corresponding C constant is `SIGQUIT`.
    public static var quit: Signal { Signal(rawValue: SIGQUIT) }

    /// The immediate end, which no program can catch. The corresponding C constant is `SIGKILL`.
    public static var kill: Signal { Signal(rawValue: SIGKILL) }

    /// Has no fixed meaning. The corresponding C constant is `SIGUSR1`.
    public static var user1: Signal { Signal(rawValue: SIGUSR1) }

    /// Has no fixed meaning. The corresponding C constant is `SIGUSR2`.
    public static var user2: Signal { Signal(rawValue: SIGUSR2) }

    /// A socket has urgent data, which few programs use; ignored by default. The corresponding C constant is `SIGURG`.
    public static var urgent: Signal { Signal(rawValue: SIGURG) }

    /// A child process has ended or stopped. The corresponding C constant is `SIGCHLD`.
    public static var child: Signal { Signal(rawValue: SIGCHLD) }
}

extension Signal: CustomStringConvertible {
    /// The system's name of the signal, such as "Interrupt".
    public var description: String {
        guard let text = unsafe strsignal(rawValue) else { return "signal \(rawValue)" }
        return unsafe String(cString: text)
    }
}
