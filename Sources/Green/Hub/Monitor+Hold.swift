internal import CGreen

extension Monitor {
    /// A green thread that holds its hub: it has run all the time without a call that lets others run, so none of
    /// them could.
    public struct Hold: Hashable, Sendable {
        /// The thread's ``GreenThread/id``; nil when its OS thread has the monitor's signal blocked.
        public let threadID: UInt64?

        /// The thread's ``GreenThread/name``, or "".
        public let threadName: String

        /// The system's number of the OS thread, as in `top -H`.
        public let osThread: Int32

        /// How long it has held the hub at least, so far.
        public let duration: Duration

        /// Where it is: a line for each frame with its function and file, innermost first. Empty when its OS thread
        /// has the monitor's signal blocked.
        public let backtrace: [String]

        private let text: String
    }
}

extension Monitor.Hold: CustomStringConvertible {
    /// All of it, as Green would report it: several lines.
    public var description: String { text }
}

extension Monitor.Hold {
    init(_ hold: green_hold) {
        let lines = unsafe String(cString: hold.text).split(separator: "\n")
        threadID = unsafe hold.thread == 0 ? nil : hold.thread
        threadName = unsafe String(cString: hold.name)
        osThread = unsafe hold.os_thread
        duration = unsafe .nanoseconds(hold.nanoseconds)
        backtrace = lines.dropFirst().map { String($0.drop { $0 == " " }) }
        text = lines.joined(separator: "\n")
    }
}
