import Glibc

/// The options of an example program: `--name value`, and `--help`.
public struct Options {
    /// What is on the command line beside options, in order. "-" is one of them.
    public private(set) var operands: [String] = []

    private let usage: String
    private var values: [String: String] = [:]

    /// Reads the command line. Ends the program with the usage when it asks for help or makes no sense.
    public init(_ names: String..., takesOperands: Bool = false, usage: String) {
        self.usage = usage
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            guard argument != "--help" else { end(0) }
            if takesOperands, argument == "-" || !argument.hasPrefix("-") {
                operands.append(argument)
                continue
            }
            guard argument.hasPrefix("--"), names.contains(String(argument.dropFirst(2))) else {
                end(2, "there is no option '\(argument)'")
            }
            guard let value = arguments.popFirst() else { end(2, "\(argument) needs a value") }
            values[String(argument.dropFirst(2))] = value
        }
    }

    public subscript(name: String) -> String? {
        values[name]
    }

    /// A whole number, no smaller than the least.
    public subscript(name: String, default standard: Int, atLeast least: Int = 1) -> Int {
        guard let text = values[name] else { return standard }
        guard let number = Int(text), number >= least else {
            end(2, "--\(name) takes a number from \(least) on, not '\(text)'")
        }
        return number
    }

    /// A time in seconds, which may have a fraction.
    public subscript(name: String, default standard: Duration) -> Duration {
        guard let text = values[name] else { return standard }
        guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
            end(2, "--\(name) takes a number of seconds above 0, not '\(text)'")
        }
        return .seconds(seconds)
    }

    /// The value of an option that has to be there.
    public func required(_ name: String) -> String {
        guard let value = values[name] else { end(2, "--\(name) is missing") }
        return value
    }

    /// Ends the program with the usage, and with a complaint when it was used in the wrong way.
    public func end(_ status: Int32, _ complaint: String? = nil) -> Never {
        if let complaint {
            note(complaint)
        }
        say(usage)
        finish(status)
    }
}

/// Whether something that was said could not be written. The programs have one OS thread.
nonisolated(unsafe) private var isLost = false

private func write(_ text: String, to descriptor: CInt) -> Bool {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        }
        guard count > 0 || errno == EINTR else { return false }
        done += max(count, 0)
    }
    return true
}

/// Prints a line at once, also into a pipe or a file.
public func say(_ line: String) {
    unsafe isLost = unsafe !write(line + "\n", to: STDOUT_FILENO) || isLost
}

/// Writes a line to standard error, behind the name of the program.
public func note(_ text: String) {
    let program = CommandLine.arguments[0].split(separator: "/").last ?? ""
    _ = write("\(program): \(text)\n", to: STDERR_FILENO)
}

/// Ends the program; with a failure when somebody has not been told all that was said.
public func finish(_ status: CInt) -> Never {
    if unsafe isLost {
        note("not all of the output could be written")
    }
    exit(unsafe isLost ? 1 : status)
}

/// Runs a program. An error ends it with one line on standard error.
public func run(_ program: () throws -> Void) {
    do {
        try program()
    } catch {
        note("\(error)")
        exit(1)
    }
}
