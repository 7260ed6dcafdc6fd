import Glibc
import Green

/// Standard output, which may be a pipe that nobody reads. The programs have one OS thread.
private nonisolated(unsafe) let output = Output()

/// Prints a line at once, also into a pipe or a file. Only the calling green thread waits until it is read.
///
/// For programs that end once they have printed all. When nobody is left to read, they end as a pipe's writers do.
public func say(_ line: String) {
    unsafe output.write(line)
}

/// Prints a line without waiting. For servers: when nobody reads what they print they go on, and drop lines.
public func log(_ line: String) {
    unsafe output.post(line)
}

/// Writes a line to standard error, behind the name of the program, unless nobody has read from there for a second.
public func note(_ line: String) {
    let program = commandLine.first?.split(separator: "/").last ?? ""
    writeToStandardError("\(program): \(line.printable)\n")
}

/// Ends the program; with a failure when somebody has not been told all that was said.
public func finish(_ status: CInt) -> Never {
    unsafe output.flush()
    guard unsafe output.isLost else { exit(status) }
    note("not all of the output could be written")
    exit(1)
}

/// Runs a program. An error ends it with one line on standard error.
public func run(_ program: () throws -> Void) {
    do {
        try program()
    } catch {
        note("\(error)")
        exit(1)
    }
    finish(0)
}

/// Nobody has read from standard error for a second.
private nonisolated(unsafe) var isUnread = false

private func writeToStandardError(_ text: String) {
    var place = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    // What has room takes a line without blocking.
    guard unsafe poll(&place, 1, isUnread ? 0 : 1000) == 1 else { return unsafe isUnread = true }
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}

private final class Output {
    /// Something could not be written.
    private(set) var isLost = false

    private var isOpen = false
    /// A pipe, a terminal or a socket, which may have to be waited for.
    private var stream: GreenFile?

    /// What was posted and the writer has not taken.
    private let posted = Queue<String>(capacity: 1000)
    private var dropped = 0
    private var writer: GreenThread<Void>?

    func write(_ line: String) {
        do {
            try writeNow(line)
        } catch {
            isLost = true
            if (error as? SystemError)?.code == .brokenPipe {
                // The usual end of a program that prints, unless somebody wants it to be ignored.
                raise(SIGPIPE)
            }
        }
    }

    func post(_ line: String) {
        if writer == nil {
            // For standard error; the writes of a stream do without.
            signal(SIGPIPE, SIG_IGN)
            writer = spawn(name: "output") { [self] in try writePosted() }
        }
        if (try? posted.tryPut(line)) != true {
            dropped += 1
            isLost = true
        }
    }

    /// Gives a reader of what was posted a second.
    func flush() {
        posted.close()
        do {
            try writer?.wait(timeout: .seconds(1))
        } catch {
            isLost = true
        }
    }

    private func writePosted() throws {
        while let line = try posted.next() {
            do {
                try writeNow(line)
                if dropped > 0 {
                    let count = dropped
                    dropped = 0
                    try writeNow("\(count) lines were dropped, since nobody read them")
                }
            } catch {
                isLost = true
            }
        }
    }

    private func writeNow(_ line: String) throws {
        let bytes = Array("\(line.printable)\n".utf8)
        if !isOpen {
            isOpen = true
            stream = try isOnDisk ? nil : GreenFile(adopting: FileDescriptor.standardOutput.duplicate())
        }
        if let stream {
            try stream.write(bytes)
        } else {
            // Others may write to the same file, such as standard error: its position is shared.
            _ = try FileDescriptor.standardOutput.writeAll(bytes)
        }
    }

    private var isOnDisk: Bool {
        var status = stat()
        return unsafe fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
