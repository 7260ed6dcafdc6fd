internal import Glibc
public import SystemPackage

/// The status of a file, as stat(2) returns it.
public struct FileStatus: Hashable, Sendable {
    /// The type of a file.
    public enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, other
    }

    /// The type of the file.
    public let kind: Kind

    /// The size in bytes.
    public let size: Int64

    /// The permissions.
    public let permissions: FilePermissions

    /// The time of the last modification of its contents, since the beginning of 1970.
    public let modificationTime: Duration

    /// The inode number, which all hard links to the file share.
    public let inode: UInt64

    init(_ status: stat) {
        kind = Kind(mode: status.st_mode)
        size = Int64(status.st_size)
        permissions = FilePermissions(rawValue: status.st_mode & 0o7777)
        modificationTime = .seconds(status.st_mtim.tv_sec) + .nanoseconds(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
    }
}

extension FileStatus.Kind {
    init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symbolicLink
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        default: self = .other
        }
    }
}
