/// Ends the process if the body of a child process fails.
func inChild(_ body: () throws -> Void) {
    do {
        try body()
    } catch {
        fatalError("\(error)")
    }
}

/// Ends the child process unless the condition holds. Unlike `precondition`, its argument may throw.
func require(_ condition: Bool, file: StaticString = #file, line: UInt = #line) {
    precondition(condition, file: file, line: line)
}
