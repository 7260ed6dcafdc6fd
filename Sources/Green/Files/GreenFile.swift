internal import CGreen
public import SystemPackage

/// A file, or one end of a pipe, whose calls block only the calling green thread.
///
/// ```swift
/// let log = try GreenFile.open("app.log", .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
/// try log.write("started\n")
/// ```
///
/// A file is closed by ``close()`` or when the last reference is released.
///
/// Only one thread at a time may read or write at the position; a second one gets a ``SystemError`` with the code
/// `resourceBusy` that names both. Any number of threads may read and write at offsets, and make all other calls. A
/// file without offsets, such as a pipe, a FIFO or a terminal, may be read by one thread while another writes.
///
/// A read throws a ``SystemError`` with the code `isDirectory`, `ioError`, `badFileDescriptor` if the file is closed,
/// is closed during the call, or is not open for reading, `resourceBusy` if another thread uses the position, or
/// `timedOut` after ``timeout``. After an error or an interrupt, the position is unchanged.
///
/// A write blocks until the kernel has accepted the last byte. It throws a ``SystemError`` with the code `noSpace`,
/// `diskQuotaExceeded`, `fileTooLarge`, `brokenPipe` if the pipe has no reader, `ioError`, or `badFileDescriptor`,
/// `resourceBusy` and `timedOut` as above. The message and the position tell how many bytes were written.
///
/// A kill, a ``Timeout`` and the file's ``timeout`` interrupt every call, except that ``close()`` ignores the file's
/// ``timeout``. If the thread is killed, the call throws the error of that kill. A part of an interrupted write may
/// still be written later, and an interrupted operation on a path may still take effect.
///
/// A file belongs to its OS thread, so it is not `Sendable`. The last reference may be released on any OS thread, which
/// may also call ``close()``.
@safe
public final class GreenFile {
    /// Owned.
    @safe let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Opens a file. Programs that this process starts do not inherit it. It corresponds to open(2).
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - mode: Whether to read, to write, or both.
    ///   - options: Further options. A file that does not exist is created only with `create`.
    ///   - permissions: The permissions of a new file, reduced by the umask of the process. Required with `create`.
    ///   - timeout: The maximum time to wait; nil means no limit. A FIFO waits for its other end.
    /// - Returns: The file, with its position at the beginning.
    /// - Throws: A ``SystemError`` with a code of open(2), such as `noSuchFileOrDirectory`, `permissionDenied`,
    ///   `isDirectory` or `tooManyOpenFiles`, or with `timedOut`. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func open(
        _ path: any PathConvertible,
        _ mode: FileDescriptor.AccessMode,
        options: FileDescriptor.OpenOptions = FileDescriptor.OpenOptions(),
        permissions: FilePermissions? = nil,
        timeout: Duration? = nil
    ) throws -> GreenFile {
        let path = try checkedPath(path, "path")
        guard !options.contains(.create) || permissions != nil else {
            throw SystemError(
                code: .invalidArgument,
                message: "cannot open '\(path)': creating a file requires permissions (EINVAL)"
            )
        }
        var handle: OpaquePointer?
        let flags = mode.rawValue | options.rawValue
        let result = unsafe path.withPlatformString {
            unsafe green_file_open(&handle, $0, flags, permissions?.rawValue ?? 0, timeout.timeout)
        }
        try check(result)
        return unsafe GreenFile(owning: handle!)
    }

    /// Creates a file from a descriptor, and takes ownership of it. If it throws, the caller still owns the descriptor.
    ///
    /// ```swift
    /// let input = try GreenFile(adopting: FileDescriptor.standardInput.duplicate())
    /// ```
    ///
    /// The file starts at the position of the descriptor, and does not change that.
    ///
    /// - Parameter descriptor: The descriptor of a file, a pipe, a terminal or anything else that can be read or
    ///   written.
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if it is not open.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(adopting descriptor: FileDescriptor) throws {
        var handle: OpaquePointer?
        try check(unsafe green_file_adopt(&handle, descriptor.rawValue))
        self.handle = unsafe handle!
    }

    deinit {
        unsafe green_file_free(handle)
    }

    /// Closes the file. Does nothing the second time.
    ///
    /// Threads that are in it are woken with a ``SystemError`` with the code `badFileDescriptor`. When the last
    /// reference is released without this, the file is closed, too, but errors of earlier writes are lost, and a slow
    /// close blocks the other green threads.
    ///
    /// - Throws: A ``SystemError`` with the code `ioError`, `noSpace` or `diskQuotaExceeded` when something that was
    ///   written before could not be stored. If the thread is killed, the error of that kill. The file is closed in any
    ///   case.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func close() throws {
        try check(unsafe green_file_close(handle))
    }

    /// The descriptor, which the file still owns.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` if the file is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_file_fd(handle)))
        }
    }

    /// The time limit of each call on this file except its close, which then throws a ``SystemError`` with the code
    /// `timedOut`; nil means no limit.
    public var timeout: Duration? {
        get { unsafe Duration(nanoseconds: green_file_timeout(handle)) }
        set { unsafe green_file_set_timeout(handle, newValue.timeout) }
    }
}

@available(*, unavailable)
extension GreenFile: Sendable {}
