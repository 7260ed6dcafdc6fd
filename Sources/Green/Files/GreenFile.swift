internal import CGreen
public import SystemPackage

/// A file, or one end of a pipe, whose calls block only the green thread that makes them.
///
/// ```swift
/// let log = try GreenFile.open("app.log", .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
/// try log.write("started\n")
/// ```
///
/// Closed by ``close()`` or when the last reference is gone.
///
/// Reads and writes at the file's position are one at a time: a second thread gets a ``SystemError`` with the code
/// `resourceBusy` that names both. Those at an offset, and all other calls, may be made by any number of threads at
/// once. What has no offsets, a pipe, a FIFO or a terminal, may be read by one thread while another writes.
///
/// A read throws a ``SystemError`` with the code `isDirectory`, `ioError`, `badFileDescriptor` when the file is closed,
/// also meanwhile, or not open for reading, `resourceBusy` when another thread uses the position, `timedOut` after
/// ``timeout``. The position is then where it was before, and so it is when the thread is killed.
///
/// A write blocks until the kernel has the last byte, and throws a ``SystemError`` whose message tells how much was
/// written, as the position does: with the code `noSpace`, `diskQuotaExceeded`, `fileTooLarge`, `brokenPipe` when nobody
/// reads the pipe, `ioError`, `badFileDescriptor`, `resourceBusy` and `timedOut` as above.
///
/// Kills, a ``Timeout`` and the file's ``timeout`` end each call, but a close heeds no ``timeout``; a kill is thrown as
/// what the thread was killed with. A part of an interrupted write may still be written a little later, and what is
/// done with names may still happen.
///
/// A file belongs to its OS thread; so it is not `Sendable`.
@safe
public final class GreenFile {
    /// Owned.
    @safe let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = unsafe handle
    }

    /// Opens a file. It is closed in programs that this process starts.
    ///
    /// - Parameters:
    ///   - path: Where it is.
    ///   - mode: Whether it is to be read, written or both.
    ///   - options: What else is to happen; a file to be written is made only with `create`.
    ///   - permissions: Of the new file; needed with `create`, without what the process's mask takes away.
    ///   - timeout: How long to wait at most; nil is for as long as it takes. A FIFO waits for its other end.
    /// - Returns: The file, at its beginning.
    /// - Throws: A ``SystemError`` with the codes of open(2): `noSuchFileOrDirectory`, `permissionDenied`,
    ///   `isDirectory`, `tooManyOpenFiles` and others; `timedOut`. When the thread is killed, the error of that kill.
    @available(*, noasync)
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

    /// Makes a file of a descriptor, which it owns from then on. On failure the descriptor stays the caller's.
    ///
    /// ```swift
    /// let input = try GreenFile(adopting: FileDescriptor.standardInput.duplicate())
    /// ```
    ///
    /// It goes on where the descriptor's position is, and does not move that.
    ///
    /// - Parameter descriptor: Of a file, a pipe, a terminal: of whatever can be read or written.
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` when it is closed.
    @available(*, noasync)
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
    /// reference goes without this, the file is closed too, but what it would have told is lost, and a close that
    /// takes the disk long holds the other green threads up.
    ///
    /// - Throws: A ``SystemError`` with the code `ioError`, `noSpace` or `diskQuotaExceeded` when something that was
    ///   written before could not be stored. When the thread is killed, the error of that kill. The file is closed in
    ///   any case.
    @available(*, noasync)
    public func close() throws {
        try check(unsafe green_file_close(handle))
    }

    /// The descriptor, still owned by the file.
    ///
    /// - Throws: A ``SystemError`` with the code `badFileDescriptor` once the file is closed.
    public var fileDescriptor: FileDescriptor {
        get throws {
            unsafe FileDescriptor(rawValue: try check(green_file_fd(handle)))
        }
    }

    /// How long one call on this file, but its close, may take before it throws a ``SystemError`` with the code
    /// `timedOut`; nil is no limit.
    public var timeout: Duration? {
        get { unsafe Duration(nanoseconds: green_file_timeout(handle)) }
        set { unsafe green_file_set_timeout(handle, newValue.timeout) }
    }
}

@available(*, unavailable)
extension GreenFile: Sendable {}
