import Glibc
import Green

/// Reads the lines of a file, or of standard input if the path is "-". Blocks only the calling green thread.
public final class LineReader {
    private let path: String
    private let descriptor: FileDescriptor
    /// The bytes that were read; those from `start` on have not been returned.
    private var bytes: [UInt8] = []
    private var start = 0
    private var hasEnded = false

    /// The maximum length of a line in bytes.
    private static let limit = 1 << 20

    public init(_ path: String) throws {
        self.path = path == "-" ? "standard input" : path
        guard path != "-" else {
            descriptor = .standardInput
            return
        }
        do {
            descriptor = try unsafe FileDescriptor.open(path, .readOnly)
        } catch let code as Errno {
            throw SystemError(code: code, message: "cannot open \(path): \(code)")
        }
    }

    deinit {
        if descriptor != .standardInput {
            try? descriptor.close()
        }
    }

    /// Reads a line without its end, or returns nil at the end of the file. For one thread at a time.
    public func next() throws -> String? {
        while true {
            if let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return text(bytes[start..<end])
            }
            if try !readMore() {
                defer { start = bytes.endIndex }
                return start < bytes.endIndex ? text(bytes[start...]) : nil
            }
        }
    }

    private func text(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }

    /// Reads the available bytes; false at the end. Waits for a pipe or a terminal; a file on a disk is always
    /// readable.
    private func readMore() throws -> Bool {
        bytes.removeFirst(start)
        start = 0
        guard bytes.count < LineReader.limit else {
            throw SystemError(
                code: .messageTooLong,
                message: "\(path) has a line of more than \(LineReader.limit) bytes"
            )
        }
        guard !hasEnded else { return false }
        if !isOnDisk {
            try GreenThread.wait(for: descriptor, .readable)
        }
        do {
            let more = try unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try unsafe descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            bytes += more
            hasEnded = more.isEmpty
        } catch let code as Errno {
            throw SystemError(code: code, message: "cannot read \(path): \(code)")
        }
        return !hasEnded
    }

    private var isOnDisk: Bool {
        var status = stat()
        return unsafe fstat(descriptor.rawValue, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
