import Glibc
import Green

// Why not swift-argument-parser? A package that depends on Green would resolve and clone it, too, even if it only uses
// the library: SwiftPM 6.3 prunes a dependency of unused products only behind a trait that is off by default. With such
// a trait, `swift build`, `swift test` and `swift run green-echo` without `--traits` would build examples that cannot
// parse their options. A nested package, as bench is, would compile Green a second time, and the tests of the examples
// could not depend on it.

/// The options of an example program: `--name value`, and `--help`.
public struct Options {
    /// The arguments that are not options, in order, including "-".
    public private(set) var operands: [String] = []

    private let usage: String
    private var values: [String: String] = [:]

    /// Parses the command line. For `--help` and for invalid arguments, it prints the usage and ends the program.
    public init(_ names: String..., takesOperands: Bool = false, usage: String) {
        self.usage = usage
        var arguments = commandLine.dropFirst()
        while let argument = arguments.popFirst() {
            guard argument != "--help" else { end(0) }
            if takesOperands, argument == "-" || !argument.hasPrefix("-") {
                operands.append(argument)
                continue
            }
            guard argument.hasPrefix("--"), names.contains(String(argument.dropFirst(2))) else {
                end(2, "unknown option '\(argument)'")
            }
            guard let value = arguments.popFirst() else { end(2, "\(argument) needs a value") }
            values[String(argument.dropFirst(2))] = value
        }
    }

    public subscript(name: String) -> String? {
        values[name]
    }

    /// The value of an option that is an integer within limits.
    public subscript(name: String, default standard: Int, atLeast least: Int = 1, atMost most: Int = .max) -> Int {
        guard let text = values[name] else { return standard }
        guard let number = Int(text), number >= least, number <= most else {
            let range = most == .max ? "of at least \(least)" : "from \(least) to \(most)"
            end(2, "--\(name) takes a number \(range), not '\(text)'")
        }
        return number
    }

    /// The value of an option that is a port number.
    public subscript(name: String, default standard: UInt16) -> UInt16 {
        UInt16(self[name, default: Int(standard), atLeast: 0, atMost: Int(UInt16.max)])
    }

    /// The address of `--host` and `--port`.
    public func address(defaultPort: UInt16) throws -> String {
        let (host, port) = (self["host"] ?? "127.0.0.1", self["port", default: defaultPort])
        return try SocketAddress.resolve(host: host, port: port)[0].description
    }

    /// The value of an option that is a time in seconds, which may have a fraction.
    public subscript(name: String, default standard: Duration) -> Duration {
        guard let text = values[name] else { return standard }
        guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
            end(2, "--\(name) takes a number of seconds above 0, not '\(text)'")
        }
        return .seconds(seconds)
    }

    /// The value of a required option.
    public func required(_ name: String) -> String {
        guard let value = values[name] else { end(2, "--\(name) is missing") }
        return value
    }

    /// Prints the usage, after an error message if there is one, and ends the program.
    public func end(_ status: Int32, _ complaint: String? = nil) -> Never {
        if let complaint {
            note(complaint)
        }
        for line in usage.split(separator: "\n", omittingEmptySubsequences: false) {
            say(String(line))
        }
        finish(status)
    }
}
