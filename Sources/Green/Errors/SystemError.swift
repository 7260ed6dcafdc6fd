public import SystemPackage

/// A failure of the operating system, or of a limit, with what was tried and on what.
///
/// Match it by its code:
///
/// ```swift
/// do {
///     let socket = try connect(to: "127.0.0.1:6000")
/// } catch let error as SystemError where error.code == .connectionRefused {
///     print(error)  // cannot connect to 127.0.0.1:6000: Connection refused (ECONNREFUSED); nothing listens there
/// }
/// ```
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why it failed, as the system's number.
    public let code: Errno

    /// What was tried, on what, why it failed and, where that is known, what to do.
    public let message: String

    /// Makes an error, for code that wraps Green and fails in the same ways.
    public init(code: Errno, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
