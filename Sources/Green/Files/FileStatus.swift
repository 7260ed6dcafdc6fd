internal import Glibc
public import SystemPackage

/// What the system knows about a file.
public struct FileStatus: Hashable, Sendable {
    /// What something in a directory is.
    public enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, other
    }

    /// What it is.
    public let kind: Kind

    /// How many bytes it has.
    public let size: Int64

    /// Who may do what with it.
    public let permissions: FilePermissions

    /// When it was last written to, since the beginning of 1970.
    public let modificationTime: Duration

    /// Its number, which it shares with its other names in the same file system.
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
