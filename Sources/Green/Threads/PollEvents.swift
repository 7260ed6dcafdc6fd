internal import Glibc

/// What ``GreenThread/wait(for:_:timeout:)`` can wait for: the events of `poll(2)`.
public struct PollEvents: OptionSet, Hashable, Sendable {
    public let rawValue: Int16

    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// There is something to read, or the end of the stream. The corresponding C constant is `POLLIN`.
    public static var readable: PollEvents { PollEvents(rawValue: Int16(POLLIN)) }

    /// Writing would not block. The corresponding C constant is `POLLOUT`.
    public static var writable: PollEvents { PollEvents(rawValue: Int16(POLLOUT)) }

    /// There is something urgent, such as out-of-band data. The corresponding C constant is `POLLPRI`.
    public static var priority: PollEvents { PollEvents(rawValue: Int16(POLLPRI)) }

    /// The descriptor failed. The corresponding C constant is `POLLERR`.
    public static var error: PollEvents { PollEvents(rawValue: Int16(POLLERR)) }

    /// The other side has gone. The corresponding C constant is `POLLHUP`.
    public static var hangup: PollEvents { PollEvents(rawValue: Int16(POLLHUP)) }
}
