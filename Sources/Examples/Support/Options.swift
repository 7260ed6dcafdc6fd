import Glibc

/// The options of an example program: `--name value`, and `--help`.
public struct Options {
    private let usage: String
    private var values: [String: String] = [:]

    /// Reads the command line. Ends the program with the usage when it asks for help or makes no sense.
    public init(_ names: String..., usage: String) {
        self.usage = usage
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            guard argument != "--help" else { end(0) }
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

    public subscript(name: String, default standard: Int) -> Int {
        guard let text = values[name] else { return standard }
        guard let number = Int(text), number > 0 else { end(2, "--\(name) takes a number above 0, not '\(text)'") }
        return number
    }

    /// The value of an option that has to be there.
    public func required(_ name: String) -> String {
        guard let value = values[name] else { end(2, "--\(name) is missing") }
        return value
    }

    private func end(_ status: Int32, _ complaint: String? = nil) -> Never {
        if let complaint {
            complain(complaint)
        }
        print(usage)
        exit(status)
    }
}

/// Prints a line at once, also into a pipe or a file.
public func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// Runs a program. An error ends it with one line on standard error.
public func run(_ program: () throws -> Void) {
    do {
        try program()
    } catch {
        complain("\(error)")
        exit(1)
    }
}

private func complain(_ text: String) {
    let program = CommandLine.arguments[0].split(separator: "/").last ?? ""
    let line = Array("\(program): \(text)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
