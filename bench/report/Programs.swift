import Foundation

/// Where the programs are that are measured.
struct Programs {
    var c: String
    var swift: String

    var micro: String { "\(c)/green-bench-micro" }
    var swiftMicro: String { "\(swift)/green-bench-swift" }
    var echo: String { "\(c)/green-bench-echo" }
    var swiftEcho: String { "\(swift)/green-bench-swift-echo" }
    var uringEcho: String { "\(c)/peers/green-bench-uring-echo" }
    var epollEcho: String { "\(c)/peers/green-bench-epoll-echo" }
    var load: String { "\(c)/peers/green-bench-echo-load" }
}

/// Which core a program runs on. What is measured has one for itself.
enum Core: Int {
    case measured = 0
    case load = 1
}

/// A child process on one core, with its output in a pipe. It ends with this program, however this one ends.
final class Child {
    private let process = Process()
    private let output = Pipe()
    private let command: String

    init(_ command: [String], on core: Core) throws {
        self.command = command.joined(separator: " ")
        let cores = ProcessInfo.processInfo.processorCount
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["taskset", "--cpu-list", "\(core.rawValue % cores)", "setpriv", "--pdeathsig", "TERM"] + command
        process.standardOutput = output
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
            guard !more.isEmpty else { throw BenchError("`\(command)` ended before it said anything") }
            data += more
        }
        return String(decoding: data.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Ends a server.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// The command, ended when it takes longer than any benchmark should.
func bounded(_ command: [String]) -> [String] {
    ["timeout", "--foreground", "600"] + command
}

struct BenchError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Says on standard error how far the run is.
func progress(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}
