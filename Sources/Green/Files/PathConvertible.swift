public import SystemPackage

/// A path argument: a `String`, or a `FilePath` of swift-system.
///
/// A NUL would end the path for the system. A call with a `String` that contains a NUL throws a ``SystemError`` with
/// the code `invalidArgument`. A `FilePath` contains no NUL, because swift-system truncates the text there.
public protocol PathConvertible {
    /// The path.
    var filePath: FilePath { get }
}

extension FilePath: PathConvertible {
    public var filePath: FilePath { self }
}

extension String: PathConvertible {
    public var filePath: FilePath { FilePath(self) }
}
