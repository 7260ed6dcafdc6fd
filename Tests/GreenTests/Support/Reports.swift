import Testing

/// The lines that Green wrote to standard error in a child process.
func reports(of child: ExitTest.Result) -> [String] {
    String(decoding: child.standardErrorContent, as: UTF8.self)
        .split(separator: "\n")
        .map(String.init)
        .filter { $0.hasPrefix("green: ") }
}

/// Runs what a child process is for. An error ends it, and so fails the test.
func inChild(_ body: () throws -> Void) {
    do {
        try body()
        // Threads that it has left to be killed let go of what they hold.
        try settle()
    } catch {
        fatalError("\(error)")
    }
}
