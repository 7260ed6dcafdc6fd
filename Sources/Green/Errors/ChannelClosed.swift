/// The error of calls on a closed ``Channel``: of every send, and of a receive when the channel is empty.
public struct ChannelClosed: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error, for code that behaves like a channel.
    public init() {}

    public var description: String {
        "the channel is closed"
    }
}
