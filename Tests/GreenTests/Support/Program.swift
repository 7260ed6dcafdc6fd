import Glibc
import Green
import Testing

/// An example program in a child process. Its output is a socket, so that reading it blocks only one green thread.
final class Program {
    let output: Socket
    private let process: pid_t
    private var status: Int32?

    /// Starts a program that was built beside the tests.
    convenience init(_ name: String, _ arguments: String...) throws {
        try self.init(name, arguments)
    }

    /// Starts a program that was built beside the tests. Optionally its output is a terminal.
    init(_ name: String, _ arguments: [String], onTerminal: Bool = false) throws {
        let (near, far) = try Socket.pair()
        output = near
        output.readTimeout = .seconds(60)
        let command = [Program.folder + "/" + name] + arguments
        // If a program ends while threads are parked, LeakSanitizer would report the memory that they hold.
        unsafe setenv("ASAN_OPTIONS", "detect_leaks=0", 1)
        if onTerminal {
            let terminal = try Terminal()
            process = try Program.start(command, output: terminal.inside.rawValue)
            detach(name: "terminal") { try terminal.copy(to: far) }
        } else {
            process = try Program.start(command, output: far.fileDescriptor.rawValue)
            far.close()
        }
    }

    deinit {
        if status == nil {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    /// Reads the line with which a server reports that it listens, and returns its address.
    func address() throws -> SocketAddress {
        let line = try #require(try output.readLine())
        let address = line.split(separator: " ").lazy.compactMap { SocketAddress(String($0)) }.first
        return try #require(address, "\(line)")
    }

    func signal(_ number: Int32) {
        kill(process, number)
    }

    /// Waits for the end, and returns the exit code, or the negative number of the signal that ended it.
    func exitCode() throws -> Int32 {
        for _ in 0..<30_000 {
            var ended: Int32 = 0
            if unsafe waitpid(process, &ended, WNOHANG) == process {
                status = ended
                return ended & 0x7F == 0 ? ended >> 8 & 0xFF : -(ended & 0x7F)
            }
            try GreenThread.sleep(for: .milliseconds(2))
        }
        throw SystemError(code: .timedOut, message: "the program does not end")
    }

    /// The rest of its output, until it ends.
    func rest() throws -> [String] {
        try output.lines.map { try $0.get() }
    }

    static var folder: String {
        var path = [CChar](repeating: 0, count: 4096)
        let length = unsafe readlink("/proc/self/exe", &path, path.count)
        let text = String(decoding: path[..<max(length, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(text[..<(text.lastIndex(of: "/") ?? text.startIndex)])
    }

    private static func start(_ command: [String], output: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The OS threads of Swift's tasks block all signals, and a child inherits that.
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let error = unsafe posix_spawn(&process, command[0], &actions, &attributes, &arguments, environ)
        guard error == 0 else { throw SystemError(code: Errno(rawValue: error), message: "starting \(command[0])") }
        return process
    }
}
