internal import SystemPackage

// The checks of arguments, before they go to the core. A call that throws reports an argument that it cannot use with
// a SystemError that names it; it never traps. What a text says is not in the message: it may be a secret.

/// Checks a text. C would cut it off at a NUL.
func checked(_ text: String, _ argument: StaticString) throws -> String {
    guard !text.utf8.contains(0) else { throw hasNUL(argument) }
    return text
}

/// Checks a text that is given as bytes.
func checked(_ bytes: [UInt8], _ argument: StaticString) throws -> [UInt8] {
    guard !bytes.contains(0) else { throw hasNUL(argument) }
    return bytes
}

/// Checks a text that may be missing.
func checked(_ text: String?, _ argument: StaticString) throws -> String? {
    try text.map { try checked($0, argument) }
}

/// Checks a path. A `FilePath` has no NUL.
func checkedPath(_ path: any PathConvertible, _ argument: StaticString) throws -> FilePath {
    if let text = path as? String {
        return try checked(text, argument).filePath
    }
    return path.filePath
}

/// Checks a number that has a least value.
@discardableResult
func checked(_ number: Int, _ argument: StaticString, atLeast least: Int = 0) throws -> Int {
    guard number >= least else { throw invalid(argument, "\(number) is less than \(least)") }
    return number
}

/// Checks a number that may be missing.
@discardableResult
func checked(_ number: Int?, _ argument: StaticString, atLeast least: Int = 0) throws -> Int? {
    try number.map { try checked($0, argument, atLeast: least) }
}

private func hasNUL(_ argument: StaticString) -> SystemError {
    invalid(argument, "a NUL in it would cut it off")
}

private func invalid(_ argument: StaticString, _ problem: String) -> SystemError {
    SystemError(code: .invalidArgument, message: "\(argument): \(problem) (EINVAL)")
}

/// A name that is only for people to read, such as that of a thread. It cannot fail, so a NUL in it is replaced by a
/// character that can be seen.
func printableName(_ name: String) -> String {
    guard name.utf8.contains(0) else { return name }
    return String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 }))
}
