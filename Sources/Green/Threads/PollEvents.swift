internal import Glibc

/// The events that ``GreenThread/wait(for:_:timeout:)`` waits for: those of poll(2).
public struct PollEvents: OptionSet, Hashable, Sendable {
    public let rawValue: Int16

    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// Data or the end of the stream can be read. The corresponding C constant is `POLLIN`.
    public static var readable: PollEvents { PollEvents(rawValue: Int16(POLLIN)) }

    /// Writing would not block. The corresponding C constant is `POLLOUT`.
    public static var writable: PollEvents { PollEvents(rawValue: Int16(POLLOUT)) }

    /// Urgent data is present, such as TCP out-of-band data. The corresponding C constant is `POLLPRI`.
    public static var priority: PollEvents { PollEvents(rawValue: Int16(POLLPRI)) }

    /// The descriptor has an error. The corresponding C constant is `POLLERR`.
    public static var error: PollEvents { PollEvents(rawValue: Int16(POLLERR)) }

    /// The peer has closed its end. The corresponding C constant is `POLLHUP`.
    public static var hangup: PollEvents { PollEvents(rawValue: Int16(POLLHUP)) }
}
