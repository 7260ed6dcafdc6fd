internal import CGreen
internal import Glibc
public import SystemPackage

extension GreenFile {
    /// Renames a file or a directory. A file that has the new name is replaced. It corresponds to rename(2).
    ///
    /// - Parameters:
    ///   - path: The present path.
    ///   - newPath: The new path, in the same file system.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of rename(2), or `timedOut`. If the thread is killed, the error of that
    ///   kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Removes a name of a file. Programs that have the file open can still use it. It corresponds to unlink(2).
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of unlink(2), or `timedOut`. If the thread is killed, the error of that
    ///   kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func remove(_ path: any PathConvertible, timeout: Duration? = nil) throws {
        let path = try checkedPath(path, "path")
        try check(unsafe path.withPlatformString { unsafe green_path_unlink($0, timeout.timeout) })
    }

    /// Returns the status of a file. Symbolic links are followed. It corresponds to stat(2).
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of stat(2), or `timedOut`. If the thread is killed, the error of that
    ///   kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func status(of path: any PathConvertible, timeout: Duration? = nil) throws -> FileStatus {
        let path = try checkedPath(path, "path")
        var status = stat()
        let result = unsafe path.withPlatformString { unsafe green_path_status($0, &status, timeout.timeout) }
        try check(result)
        return FileStatus(status)
    }
}

/// Operations on directories. Each call blocks only its green thread. An interrupted operation may still take effect.
public enum GreenDirectory {
    /// Creates a directory. It corresponds to mkdir(2).
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - permissions: The permissions, reduced by the umask of the process.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of mkdir(2), or `timedOut`. If the thread is killed, the error of that
    ///   kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Removes an empty directory. It corresponds to rmdir(2).
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of rmdir(2), or `timedOut`. If the thread is killed, the error of that
    ///   kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func remove(_ path: any PathConvertible, timeout: Duration? = nil) throws {
        let path = try checkedPath(path, "path")
        try check(unsafe path.withPlatformString { unsafe green_directory_remove($0, timeout.timeout) })
    }

    /// Returns the names in a directory without "." and "..", in the order of the file system.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - timeout: The maximum time to wait; nil means no limit.
    /// - Throws: A ``SystemError`` with a code of opendir(3) and readdir(3), or `timedOut`. If the thread is killed,
    ///   the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
