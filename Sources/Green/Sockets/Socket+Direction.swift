internal import Glibc

extension Socket {
    /// What ``Socket/shutdown(_:)`` ends.
    public enum Direction: Hashable, Sendable {
        /// Reading: later reads find the end of the stream.
        case reading
        /// Writing: the peer finds the end of the stream once it has read what was written.
        case writing
        /// Both.
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
