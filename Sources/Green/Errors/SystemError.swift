public import SystemPackage

/// An error of the operating system, or a limit that was exceeded, with a message that says what failed and on what.
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
    /// The system's error number.
    public let code: Errno

    /// The error message: what failed, on what, why and, if known, what to do.
    public let message: String

    /// Creates an error, for code that wraps Green and fails in the same ways.
    public init(code: Errno, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
