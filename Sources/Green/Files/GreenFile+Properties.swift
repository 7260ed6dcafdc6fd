internal import CGreen
internal import Glibc
internal import SystemPackage

extension GreenFile {
    /// The position of the next read or write, in bytes from the beginning.
    ///
    /// - Throws: A ``SystemError`` with the code `illegalSeek` if the file has no offsets, such as a pipe.
    public var position: Int64 {
        get throws {
            try check(unsafe green_file_position(handle))
        }
    }

    /// Sets the position of the next read or write. Does not block.
    ///
    /// - Parameter position: The position in bytes from the beginning; it may be behind the end.
    /// - Throws: A ``SystemError`` with the code `illegalSeek` if the file has no offsets, or `invalidArgument` for a
    ///   negative position.
    public func seek(to position: Int64) throws {
        try check(unsafe green_file_set_position(handle, position))
    }

    /// The size of the file in bytes. Blocks.
    ///
    /// - Throws: A ``SystemError``. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public var size: Int64 {
        get throws {
            try check(unsafe green_file_size(handle))
        }
    }

    /// The status of the file. Blocks. It corresponds to fstat(2).
    ///
    /// - Throws: A ``SystemError``. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public var status: FileStatus {
        get throws {
            var status = stat()
            try check(unsafe green_file_status(handle, &status))
            return FileStatus(status)
        }
    }

    /// Changes the size of the file. Bytes that are added are zero. Does not move the position. Blocks. It corresponds
    /// to ftruncate(2).
    ///
    /// - Parameter newSize: The new size in bytes.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if the file is not open for writing, `fileTooLarge`,
    ///   or another code of ftruncate(2). If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func resize(to newSize: Int64) throws {
        try check(unsafe green_file_truncate(handle, newSize))
    }

    /// Writes everything to the disk, and waits for it. Blocks. It corresponds to fsync(2).
    ///
    /// - Parameter dataOnly: Whether to omit metadata that is not needed to read the file, such as its times, as
    ///   fdatasync(2) does.
    /// - Throws: A ``SystemError`` with the code `ioError` if the data cannot be stored, or `invalidArgument` if it is
    ///   not a file on a disk. If the thread is killed, the error of that kill; the system still writes the data.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func synchronize(dataOnly: Bool = false) throws {
        try check(unsafe dataOnly ? green_file_sync_data(handle) : green_file_sync(handle))
    }
}
