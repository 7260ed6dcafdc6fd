internal import Glibc

/// A signal of the system, by its number.
public struct Signal: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The terminal's Ctrl-C. The corresponding C constant is `SIGINT`.
    public static var interrupt: Signal { Signal(rawValue: SIGINT) }

    /// The polite request to end. The corresponding C constant is `SIGTERM`.
    public static var terminate: Signal { Signal(rawValue: SIGTERM) }

    /// The terminal has gone; to servers, a request to read their configuration again. The corresponding C constant
    /// is `SIGHUP`.
    public static var hangup: Signal { Signal(rawValue: SIGHUP) }

    /// The terminal's Ctrl-\. The corresponding C constant is `SIGQUIT`.
    public static var quit: Signal { Signal(rawValue: SIGQUIT) }

    /// The end at once, which no program can put off. The corresponding C constant is `SIGKILL`.
    public static var kill: Signal { Signal(rawValue: SIGKILL) }

    /// Free for the program. The corresponding C constant is `SIGUSR1`.
    public static var user1: Signal { Signal(rawValue: SIGUSR1) }

    /// Free for the program. The corresponding C constant is `SIGUSR2`.
    public static var user2: Signal { Signal(rawValue: SIGUSR2) }

    /// Of sockets' urgent data, which few programs have; nothing happens by default. The corresponding C constant is
    /// `SIGURG`.
    public static var urgent: Signal { Signal(rawValue: SIGURG) }

    /// A child process has ended or stopped. The corresponding C constant is `SIGCHLD`.
    public static var child: Signal { Signal(rawValue: SIGCHLD) }
}

extension Signal: CustomStringConvertible {
    /// What the system calls it, as in "Interrupt".
    public var description: String {
        guard let text = unsafe strsignal(rawValue) else { return "signal \(rawValue)" }
        return unsafe String(cString: text)
    }
}
