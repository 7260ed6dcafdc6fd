internal import CGreen

extension Monitor {
    /// A green thread that blocks its hub: it has run without a blocking call for so long that no other green thread
    /// could run.
    public struct Hold: Hashable, Sendable {
        /// The thread's ``GreenThread/id``; nil if its OS thread blocks the monitor's signal.
        public let threadID: UInt64?

        /// The thread's ``GreenThread/name``, or "".
        public let threadName: String

        /// The name of the hub, or "".
        public let hubName: String

        /// The system's id of the OS thread, as in `top -H`.
        public let osThread: Int32

        /// How long it has blocked the hub so far, at least.
        public let duration: Duration

        /// The backtrace: a line for each frame with its function and file, innermost first. Empty if its OS thread
        /// blocks the monitor's signal.
        public let backtrace: [String]

        private let text: String
    }
}

extension Monitor.Hold: CustomStringConvertible {
    /// The report that Green would write, in several lines.
    public var description: String { text }
}

extension Monitor.Hold {
    init(_ hold: green_hold) {
        let lines = unsafe String(cString: hold.text).split(separator: "\n")
        threadID = unsafe hold.thread == 0 ? nil : hold.thread
        threadName = unsafe String(cString: hold.name)
        hubName = unsafe String(cString: hold.hub)
        osThread = unsafe hold.os_thread
        duration = unsafe .nanoseconds(hold.nanoseconds)
        backtrace = lines.dropFirst().map { String($0.drop { $0 == " " }) }
        text = lines.joined(separator: "\n")
    }
}
