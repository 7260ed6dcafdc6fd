internal import CGreen
internal import Glibc
internal import SystemPackage

extension GreenFile {
    /// Where the next read or write takes place, in bytes from the beginning.
    ///
    /// - Throws: A ``SystemError`` with the code `illegalSeek` when it has no offsets.
    public var position: Int64 {
        get throws {
            try check(unsafe green_file_position(handle))
        }
    }

    /// Sets where the next read or write takes place. Does not block.
    ///
    /// - Parameter position: Bytes from the beginning; behind the end is allowed.
    /// - Throws: A ``SystemError`` with the code `illegalSeek` when it has no offsets, `invalidArgument` for a negative
    ///   one.
    public func seek(to position: Int64) throws {
        try check(unsafe green_file_set_position(handle, position))
    }

    /// How many bytes the file has. Blocks.
    ///
    /// - Throws: A ``SystemError``. When the thread is killed, the error of that kill.
    @available(*, noasync)
    public var size: Int64 {
        get throws {
            try check(unsafe green_file_size(handle))
        }
    }

    /// What the system knows about the file. Blocks.
    ///
    /// - Throws: A ``SystemError``. When the thread is killed, the error of that kill.
    @available(*, noasync)
    public var status: FileStatus {
        get throws {
            var status = stat()
            try check(unsafe green_file_status(handle, &status))
            return FileStatus(status)
        }
    }

    /// Makes the file shorter, or longer by zeros. Does not move the position. Blocks.
    ///
    /// - Parameter newSize: How many bytes it is to have.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` when it is not open for writing, `fileTooLarge`, and
    ///   others. When the thread is killed, the error of that kill.
    @available(*, noasync)
    public func resize(to newSize: Int64) throws {
        try check(unsafe green_file_truncate(handle, newSize))
    }

    /// Waits until what was written is on the disk. Blocks.
    ///
    /// - Parameter dataOnly: Of what is known about the file, its times for one, only what is needed to read it.
    /// - Throws: A ``SystemError`` with the code `ioError` when it cannot be stored, `invalidArgument` when it is no
    ///   file of a disk. When the thread is killed, the error of that kill; the system goes on all the same.
    @available(*, noasync)
    public func synchronize(dataOnly: Bool = false) throws {
        try check(unsafe dataOnly ? green_file_sync_data(handle) : green_file_sync(handle))
    }
}
