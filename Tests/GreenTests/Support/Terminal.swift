import Glibc
import Green

/// A terminal without a screen. What is written inside comes out of it.
final class Terminal {
    /// For a program to write to.
    let inside: FileDescriptor
    private let outside: FileDescriptor

    // Swift imports neither of these two requests.
    private static let unlock: UInt = 0x4004_5431  // TIOCSPTLCK
    private static let openInside: UInt = 0x5441  // TIOCGPTPEER

    init() throws {
        outside = try unsafe FileDescriptor.open("/dev/ptmx", .readWrite, options: .closeOnExec)
        var isLocked: Int32 = 0
        let descriptor =
            unsafe ioctl(outside.rawValue, Terminal.unlock, &isLocked) == 0
            ? ioctl(outside.rawValue, Terminal.openInside, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1
        guard descriptor >= 0 else {
            throw SystemError(code: Errno(rawValue: errno), message: "making a terminal")
        }
        inside = FileDescriptor(rawValue: descriptor)
    }

    deinit {
        try? outside.close()
    }

    /// Copies all that comes out of it, until no program has it any more.
    func copy(to socket: Socket) throws {
        try inside.close()
        defer { socket.close() }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            try GreenThread.wait(for: outside, .readable)
            // At the end a terminal has no end of file but an error.
            let count = try? unsafe buffer.withUnsafeMutableBytes { try unsafe outside.read(into: $0) }
            guard let count, count > 0 else { return }
            try socket.write(buffer[..<count])
        }
    }
}
