import Glibc
import Green
internal import Synchronization

/// Standard output, which may be a pipe without a reader. Other OS threads than the main one only post lines.
private nonisolated(unsafe) let output = Output()

/// Prints a line at once, also to a pipe or a file. Blocks only the calling green thread.
///
/// For programs that end after their output. If the reader of a pipe is gone, SIGPIPE ends the program.
public func say(_ line: String) {
    unsafe output.write(line)
}

/// Prints a line without waiting, on any OS thread. For servers: if their output is not read, they continue and drop
/// lines. Another OS thread's lines are printed once the main one has called this, or the program ends.
public func log(_ line: String) {
    unsafe output.post(line)
}

/// Writes a line with the name of the program to standard error, unless that has been blocked for a second.
public func note(_ line: String) {
    let program = commandLine.first?.split(separator: "/").last ?? ""
    writeToStandardError("\(program): \(line.printable)\n")
}

/// Ends the program, with exit code 1 if output was lost.
public func finish(_ status: CInt) -> Never {
    unsafe output.flush()
    guard unsafe output.isLost else { exit(status) }
    note("not all of the output could be written")
    exit(1)
}

/// Runs a program. An error ends it with one line on standard error.
public func run(_ program: () throws -> Void) {
    // It belongs to the main OS thread.
    _ = unsafe output
    do {
        try program()
    } catch {
        note("\(error)")
        exit(1)
    }
    finish(0)
}

/// Whether standard error has been blocked for a second.
private nonisolated(unsafe) var isUnread = false

private func writeToStandardError(_ text: String) {
    var place = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    // If there is room, a line does not block.
    guard unsafe poll(&place, 1, isUnread ? 0 : 1000) == 1 else { return unsafe isUnread = true }
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}

private final class Output {
    private let mainThread = pthread_self()
    private let hasLost = Atomic(false)
    private var isOpen = false
    /// A pipe, a terminal or a socket, where a write may wait.
    private var stream: GreenFile?

    /// Posted lines that the writer has not taken.
    private let posted = Channel<String>(capacity: 1000)
    private let dropped = Atomic(0)
    /// On the main OS thread.
    private var writer: GreenThread<Void>?

    /// Whether output was lost.
    var isLost: Bool {
        get { hasLost.load(ordering: .relaxed) }
        set { hasLost.store(newValue, ordering: .relaxed) }
    }

    func write(_ line: String) {
        do {
            try writeNow(line)
        } catch {
            isLost = true
            if (error as? SystemError)?.code == .brokenPipe {
                // Ends the program like any writer of a pipe, unless SIGPIPE is ignored.
                raise(SIGPIPE)
            }
        }
    }

    func post(_ line: String) {
        if (try? posted.trySend(line)) != true {
            dropped.add(1, ordering: .relaxed)
            isLost = true
        }
        if pthread_self() == mainThread {
            startWriter()
        }
    }

    private func startWriter() {
        guard writer == nil else { return }
        // For standard error. Writes of a stream never raise it.
        signal(SIGPIPE, SIG_IGN)
        writer = spawn(name: "output") { [self] in try writePosted() }
    }

    /// Waits up to a second for posted lines to be written.
    func flush() {
        if !posted.isEmpty {
            startWriter()
        }
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
                let count = dropped.exchange(0, ordering: .relaxed)
                if count > 0 {
                    try writeNow("\(count) lines were dropped, because the output was not read")
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
            // Standard error may be the same file; both share its position.
            _ = try FileDescriptor.standardOutput.writeAll(bytes)
        }
    }

    private var isOnDisk: Bool {
        var status = stat()
        return unsafe fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
