import Glibc
import Green
import Testing

extension Socket {
    /// Closes it with a reset instead of an end of stream.
    func reset() throws {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        let descriptor = try fileDescriptor.rawValue
        #expect(unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, size) == 0)
        close()
    }
}
