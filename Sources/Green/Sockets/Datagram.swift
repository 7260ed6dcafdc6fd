/// What ``Socket/receive(upTo:)`` hands out: one datagram and where it came from.
public struct Datagram: Hashable, Sendable {
    /// What it holds, as far as there was room.
    public let bytes: [UInt8]

    /// The address of the sender.
    public let sender: SocketAddress

    /// Its end was cut off, because there was no room for it.
    public let isTruncated: Bool
}
