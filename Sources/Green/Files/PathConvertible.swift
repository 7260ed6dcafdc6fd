public import SystemPackage

/// A path as calls take it: a `String`, or a `FilePath` of swift-system.
///
/// A NUL would end the path for the system. A call that is given a `String` with one throws a ``SystemError`` with the code
/// `invalidArgument`. swift-system has cut it off already where a `FilePath` was made of such a text.
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
