import Glibc
import Green

/// A pseudo-terminal, whose output can be read.
final class Terminal {
    /// The end for a program.
    let inside: FileDescriptor
    private let outside: FileDescriptor

    // Swift does not import these two requests.
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

    /// Copies the output until no program has the terminal open.
    func copy(to socket: Socket) throws {
        try inside.close()
        defer { socket.close() }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            try GreenThread.wait(for: outside, .readable)
            // At its end, a terminal returns an error instead of the end of file.
            let count = try? unsafe buffer.withUnsafeMutableBytes { try unsafe outside.read(into: $0) }
            guard let count, count > 0 else { return }
            try socket.write(buffer[..<count])
        }
    }
}
