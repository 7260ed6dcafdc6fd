/// One datagram and its sender, as ``Socket/receive(upTo:)`` returns it.
public struct Datagram: Hashable, Sendable {
    /// The received bytes.
    public let bytes: [UInt8]

    /// The address of the sender.
    public let sender: SocketAddress

    /// Whether the end of the datagram was cut off because it did not fit.
    public let isTruncated: Bool
}
