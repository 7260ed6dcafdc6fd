internal import CGreen
internal import Glibc
public import SystemPackage

extension GreenFile {
    /// Gives a file or a directory another name, in place of what has that name.
    ///
    /// - Parameters:
    ///   - path: What it is called.
    ///   - newPath: What it is to be called, in the same file system.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of rename(2); `timedOut`. When the thread is killed, the error of that
    ///   kill.
    @available(*, noasync)
    public static func rename(
        _ path: any PathConvertible,
        to newPath: any PathConvertible,
        timeout: Duration? = nil
    ) throws {
        let (path, newPath) = (try checkedPath(path, "path"), try checkedPath(newPath, "newPath"))
        let result = unsafe path.withPlatformString { path in
            unsafe newPath.withPlatformString { newPath in
                unsafe green_path_rename(path, newPath, timeout.timeout)
            }
        }
        try check(result)
    }

    /// Removes a file. Whoever has it open goes on with it.
    ///
    /// - Parameters:
    ///   - path: Its name.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of unlink(2); `timedOut`. When the thread is killed, the error of that
    ///   kill.
    @available(*, noasync)
    public static func remove(_ path: any PathConvertible, timeout: Duration? = nil) throws {
        let path = try checkedPath(path, "path")
        try check(unsafe path.withPlatformString { unsafe green_path_unlink($0, timeout.timeout) })
    }

    /// What the system knows about the file of a name, or of the name that a symbolic link leads to.
    ///
    /// - Parameters:
    ///   - path: Its name.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of stat(2); `timedOut`. When the thread is killed, the error of that
    ///   kill.
    @available(*, noasync)
    public static func status(of path: any PathConvertible, timeout: Duration? = nil) throws -> FileStatus {
        let path = try checkedPath(path, "path")
        var status = stat()
        let result = unsafe path.withPlatformString { unsafe green_path_status($0, &status, timeout.timeout) }
        try check(result)
        return FileStatus(status)
    }
}

/// What is done with directories. Each call blocks only its green thread. When that is killed meanwhile, it may still
/// happen.
public enum GreenDirectory {
    /// Makes a directory.
    ///
    /// - Parameters:
    ///   - path: Its name.
    ///   - permissions: Who may do what with it, without what the process's mask takes away.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of mkdir(2); `timedOut`. When the thread is killed, the error of that
    ///   kill.
    @available(*, noasync)
    public static func create(
        _ path: any PathConvertible,
        permissions: FilePermissions = [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute],
        timeout: Duration? = nil
    ) throws {
        let path = try checkedPath(path, "path")
        let result = unsafe path.withPlatformString {
            unsafe green_directory_create($0, permissions.rawValue, timeout.timeout)
        }
        try check(result)
    }

    /// Removes a directory that is empty.
    ///
    /// - Parameters:
    ///   - path: Its name.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of rmdir(2); `timedOut`. When the thread is killed, the error of that
    ///   kill.
    @available(*, noasync)
    public static func remove(_ path: any PathConvertible, timeout: Duration? = nil) throws {
        let path = try checkedPath(path, "path")
        try check(unsafe path.withPlatformString { unsafe green_directory_remove($0, timeout.timeout) })
    }

    /// The names in a directory, but "." and "..", in the order the system has them.
    ///
    /// - Parameters:
    ///   - path: Its name.
    ///   - timeout: How long to wait at most; nil is for as long as it takes.
    /// - Throws: A ``SystemError`` with the codes of opendir(3) and readdir(3); `timedOut`. When the thread is killed,
    ///   the error of that kill.
    @available(*, noasync)
    public static func contents(of path: any PathConvertible, timeout: Duration? = nil) throws -> [FilePath.Component] {
        let path = try checkedPath(path, "path")
        var listing: OpaquePointer?
        try check(unsafe path.withPlatformString { unsafe green_directory_list(&listing, $0, timeout.timeout) })
        let names = unsafe listing!
        defer { unsafe green_listing_free(names) }
        return unsafe (0..<green_listing_count(names)).map {
            unsafe FilePath.Component(platformString: green_listing_name(names, $0))!
        }
    }
}
