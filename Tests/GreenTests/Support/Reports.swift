import Testing

/// The lines that Green wrote to standard error in a child process.
func reports(of child: ExitTest.Result) -> [String] {
    String(decoding: child.standardErrorContent, as: UTF8.self)
        .split(separator: "\n")
        .map(String.init)
        .filter { $0.hasPrefix("green: ") }
}

/// Runs the body of a test in a child process. An error ends the process, and so fails the test.
func inChild(_ body: () throws -> Void) {
    do {
        try body()
        // Threads that were killed release what they hold.
        try settle()
    } catch {
        fatalError("\(error)")
    }
}
