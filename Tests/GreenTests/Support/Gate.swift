import Glibc

/// A gate that OS threads wait at. Each opening lets one of them pass.
final class Gate: Sendable {
    private let inside, outside: Int32

    init() {
        var ends: [Int32] = [0, 0]
        precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        (inside, outside) = (ends[0], ends[1])
    }

    deinit {
        close(inside)
        close(outside)
    }

    func open() {
        var byte: UInt8 = 0
        precondition(unsafe write(outside, &byte, 1) == 1)
    }

    /// Blocks the OS thread.
    func pass() {
        var byte: UInt8 = 0
        precondition(unsafe read(inside, &byte, 1) == 1)
    }
}
