internal import Glibc

extension Socket {
    /// The direction of a connection that ``Socket/shutdown(_:)`` ends.
    public enum Direction: Hashable, Sendable {
        /// Reading. Later reads return the end of the stream.
        case reading
        /// Writing. The peer gets the end of the stream after the bytes that were written.
        case writing
        /// Both directions.
        case both

        var how: Int32 {
            switch self {
            case .reading: Int32(SHUT_RD)
            case .writing: Int32(SHUT_WR)
            case .both: Int32(SHUT_RDWR)
            }
        }
    }
}
