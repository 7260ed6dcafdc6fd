internal import SystemPackage

// Checks of arguments before they go to the core. A call that throws reports an invalid argument with a SystemError
// that names it, and never traps. The message does not contain the text of an argument, which may be a secret.

/// Checks a text. C would truncate it at a NUL.
func checked(_ text: String, _ argument: StaticString) throws -> String {
    guard !text.utf8.contains(0) else { throw hasNUL(argument) }
    return text
}

/// Checks a text in bytes.
func checked(_ bytes: [UInt8], _ argument: StaticString) throws -> [UInt8] {
    guard !bytes.contains(0) else { throw hasNUL(argument) }
    return bytes
}

/// Checks an optional text.
func checked(_ text: String?, _ argument: StaticString) throws -> String? {
    try text.map { try checked($0, argument) }
}

/// Checks a path. A `FilePath` contains no NUL.
func checkedPath(_ path: any PathConvertible, _ argument: StaticString) throws -> FilePath {
    if let text = path as? String {
        return try checked(text, argument).filePath
    }
    return path.filePath
}

/// Checks a number that has a minimum.
@discardableResult
func checked(_ number: Int, _ argument: StaticString, atLeast least: Int = 0) throws -> Int {
    guard number >= least else { throw invalid(argument, "\(number) is less than \(least)") }
    return number
}

/// Checks an optional number.
@discardableResult
func checked(_ number: Int?, _ argument: StaticString, atLeast least: Int = 0) throws -> Int? {
    try number.map { try checked($0, argument, atLeast: least) }
}

private func hasNUL(_ argument: StaticString) -> SystemError {
    invalid(argument, "it must not contain a NUL")
}

private func invalid(_ argument: StaticString, _ problem: String) -> SystemError {
    SystemError(code: .invalidArgument, message: "\(argument): \(problem) (EINVAL)")
}

/// A name that is only for display, such as that of a thread. It cannot fail, so a visible character replaces each NUL.
func printableName(_ name: String) -> String {
    guard name.utf8.contains(0) else { return name }
    return String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 }))
}
