import Glibc
import Green

/// A file or a named pipe, which is removed with its object.
final class TemporaryFile {
    let path: String

    /// Creates a file with the given contents.
    init(_ contents: String) throws {
        path = TemporaryFile.newPath()
        let file = try unsafe FileDescriptor.open(
            path,
            .writeOnly,
            options: [.create, .exclusiveCreate],
            permissions: .ownerReadWrite
        )
        _ = try file.closeAfter { try file.writeAll(contents.utf8) }
    }

    /// Creates a pipe.
    private init() throws {
        path = TemporaryFile.newPath()
        guard unsafe mkfifo(path, 0o600) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Creates a pipe, and returns the end to write to. While that is open, opening the pipe does not block.
    static func pipe() throws -> (TemporaryFile, FileDescriptor) {
        let pipe = try TemporaryFile()
        return try (pipe, unsafe FileDescriptor.open(pipe.path, .readWrite, options: .closeOnExec))
    }

    deinit {
        unsafe unlink(path)
    }

    private static func newPath() -> String {
        "/tmp/green-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }
}
