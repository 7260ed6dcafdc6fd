import Glibc
import Green

/// A pipe for the output of a program that is not read: it is full, or its reader has closed it.
final class UnreadPipe {
    let end: FileDescriptor
    private var other: FileDescriptor?

    init(isFull: Bool) throws {
        let (reader, writer) = try FileDescriptor.pipe()
        end = writer
        other = reader
        _ = fcntl(reader.rawValue, F_SETFD, FD_CLOEXEC)
        _ = fcntl(writer.rawValue, F_SETFD, FD_CLOEXEC)
        if isFull {
            _ = fcntl(writer.rawValue, F_SETFL, O_NONBLOCK)
            while (try? writer.writeAll([UInt8](repeating: 0, count: 4096))) != nil {}
            _ = fcntl(writer.rawValue, F_SETFL, 0)
        } else {
            try reader.close()
            other = nil
        }
    }

    deinit {
        try? end.close()
        try? other?.close()
    }
}
