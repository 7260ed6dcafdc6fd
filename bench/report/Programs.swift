import Foundation

/// The paths of the measured programs.
struct Programs {
    var c: String
    var swift: String

    var micro: String { "\(c)/green-bench-micro" }
    var swiftMicro: String { "\(swift)/green-bench-swift" }
    var hubs: String { "\(c)/green-bench-hubs" }
    var echo: String { "\(c)/green-bench-echo" }
    var swiftEcho: String { "\(swift)/green-bench-swift-echo" }
    var uringEcho: String { "\(c)/peers/green-bench-uring-echo" }
    var epollEcho: String { "\(c)/peers/green-bench-epoll-echo" }
    var tls: String { "\(c)/green-bench-tls" }
    var openssl: String { "\(c)/green-bench-openssl" }
    var goChannel: String { "\(c)/peers/green-bench-go-channel" }
    /// Whether Go was installed when the peers were built.
    var hasGoChannel: Bool { FileManager.default.isExecutableFile(atPath: goChannel) }
    var load: String { "\(c)/peers/green-bench-echo-load" }
}

/// The core of a program. The measured program has its own core.
enum Core: Int {
    case measured = 0
    case load = 1
}

/// A child process, usually on one core, with its output in a pipe. It ends when this program ends, for any reason.
final class Child {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()
    private let command: String

    /// - Parameters:
    ///   - core: The core; nil for a program that uses all.
    ///   - isLoud: Whether to show its standard error.
    ///   - hasInput: Whether its standard input is a pipe that stays open and empty.
    init(_ command: [String], on core: Core?, isLoud: Bool = true, hasInput: Bool = false) throws {
        self.command = command.joined(separator: " ")
        let cores = ProcessInfo.processInfo.processorCount
        let place = core.map { ["taskset", "--cpu-list", "\($0.rawValue % cores)"] } ?? []
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = place + ["setpriv", "--pdeathsig", "TERM"] + command
        process.standardOutput = output
        if hasInput { process.standardInput = input }
        if !isLoud { process.standardError = FileHandle.nullDevice }
        try process.run()
    }

    var identifier: Int32 { process.processIdentifier }

    /// Reads to the end of the output and waits for the process.
    func finish() throws -> String {
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw BenchError("`\(command)` ended with status \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Waits for the first line of the output.
    func firstLine() throws -> String {
        var data = Data()
        while !data.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw BenchError("`\(command)` ended without output") }
            data += more
        }
        return String(decoding: data.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// The address in the first line of a server: "listening on ADDRESS".
    func address() throws -> String {
        let line = try firstLine()
        guard let address = line.split(separator: " ").last else { throw BenchError("`\(command)` printed: \(line)") }
        return String(address)
    }

    /// The CPU time so far in seconds, user and kernel.
    func processorTime() throws -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(identifier, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else {
            throw BenchError("`\(command)` ended too early")
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Ends a server.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// Adds a time limit to the command that no benchmark reaches.
func bounded(_ command: [String]) -> [String] {
    ["timeout", "--foreground", "600"] + command
}

struct BenchError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Prints the progress of the run to standard error.
func progress(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}
