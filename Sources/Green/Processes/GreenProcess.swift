internal import CGreen
internal import Glibc
public import SystemPackage

/// A child process, with pipes that green threads read and write.
///
/// ```swift
/// let sort = try GreenProcess("sort", arguments: ["-r"], input: .pipe, output: .pipe)
/// try sort.input!.write("a\nb\n")
/// try sort.input!.close()
/// for line in sort.output!.lines {
///     print(try line.get())
/// }
/// guard try sort.wait().isSuccess else { ... }
/// ```
///
/// ``run(_:arguments:environment:workingDirectory:input:limit:)`` does all of this if the output fits into memory.
///
/// If the last reference is released while the process runs, it continues to run, and leaves no zombie when it ends. No
/// other code may collect children, as `waitpid(-1)` and an ignored SIGCHLD do.
///
/// A process object belongs to its OS thread, so it is not `Sendable`.
@safe
public final class GreenProcess {
    /// The source or target of a standard stream of the program.
    public enum Stream: Hashable, Sendable {
        /// The stream of this process.
        case inherited
        /// `/dev/null`.
        case null
        /// A pipe to this process.
        case pipe
        /// A descriptor, which the caller still owns.
        case descriptor(FileDescriptor)
    }

    /// How a process ended.
    public enum TerminationStatus: Hashable, Sendable {
        /// It exited with the code.
        case exited(Int32)
        /// A signal ended it.
        case signaled(Signal)

        /// Whether it exited with the code 0.
        public var isSuccess: Bool { self == .exited(0) }
    }

    /// Owned.
    @safe private let handle: OpaquePointer

    /// The pipe to standard input, if `.pipe` was given. The program gets the end of its input when this is closed.
    public let input: GreenFile?

    /// The pipe from standard output, if `.pipe` was given.
    public let output: GreenFile?

    /// The pipe from standard error, if `.pipe` was given.
    public let error: GreenFile?

    /// Starts a program. Blocks until the system has found and loaded it.
    ///
    /// No signal is blocked or ignored in the program.
    ///
    /// - Parameters:
    ///   - program: A name, which is looked up in this process's PATH, or a path with a "/". A relative path begins at
    ///     the `workingDirectory`.
    ///   - arguments: The arguments, without the name of the program.
    ///   - environment: The environment variables; nil means those of this process.
    ///   - workingDirectory: The directory it starts in; nil means that of this process.
    ///   - input: Standard input.
    ///   - output: Standard output.
    ///   - error: Standard error; nil means the same as `output`.
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` if there is no such program or directory,
    ///   `permissionDenied`, `tooManyOpenFiles`, `invalidArgument` if a text contains a NUL or the name of a variable
    ///   is empty or contains a "=", or another code. If the thread is killed, the error of that kill; the program is
    ///   not started then, or is killed at once.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(
        _ program: any PathConvertible,
        arguments: [String] = [],
        environment: [String: String]? = nil,
        workingDirectory: (any PathConvertible)? = nil,
        input: Stream = .inherited,
        output: Stream = .inherited,
        error: Stream? = .inherited
    ) throws {
        let program = try checkedPath(program, "program")
        let workingDirectory = try workingDirectory.map { try checkedPath($0, "workingDirectory") }
        try check(environment, for: program)
        for argument in arguments {
            _ = try checked(argument, "arguments")
        }
        let texts = CStrings([program.string] + arguments)
        let variables = environment.map { CStrings($0.map { "\($0.key)=\($0.value)" }) }
        let directory = workingDirectory.map { CStrings([$0.string]) }
        let pipes = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 3)
        defer { unsafe pipes.deallocate() }
        // The options point into these arrays.
        defer { withExtendedLifetime((texts, variables, directory)) {} }
        unsafe pipes.initialize(repeating: nil, count: 3)
        var options = unsafe green_process_options()
        unsafe options.input = unsafe green_stdio(input, pipe: pipes)
        unsafe options.output = unsafe green_stdio(output, pipe: pipes + 1)
        unsafe options.error = unsafe green_stdio(error, pipe: pipes + 2)
        unsafe options.environment = unsafe variables.map { unsafe UnsafePointer($0.pointers) }
        unsafe options.directory = unsafe directory?.pointers[0]
        var handle: OpaquePointer?
        let result = unsafe green_process_spawn(&handle, texts.pointers[0]!, texts.pointers, &options)
        try check(result)
        self.handle = unsafe handle!
        self.input = unsafe pipes[0].map { unsafe GreenFile(owning: $0) }
        self.output = unsafe pipes[1].map { unsafe GreenFile(owning: $0) }
        self.error = unsafe pipes[2].map { unsafe GreenFile(owning: $0) }
    }

    deinit {
        unsafe green_process_free(handle)
    }

    /// Waits until the process ends. May be called any number of times.
    ///
    /// - Parameter timeout: The maximum time to wait; nil means no limit.
    /// - Returns: How the process ended.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires, or `noChildProcess` if other code
    ///   has collected the child. If the thread is killed, the error of that kill. In each case the process continues
    ///   to run.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func wait(timeout: Duration? = nil) throws -> TerminationStatus {
        var end = green_process_end()
        try check(unsafe green_process_wait(handle, &end, timeout.timeout))
        return end.code >= 0 ? .exited(end.code) : .signaled(Signal(rawValue: end.signal))
    }

    /// Sends a signal to the process, and never to a later process with the same id. Does not block.
    ///
    /// - Parameter signal: The signal.
    /// - Throws: A ``SystemError`` with the code `noSuchProcess` if a wait has returned the end of the process. Before
    ///   that, a signal to an ended process does nothing.
    public func send(_ signal: Signal) throws {
        try check(unsafe green_process_signal(handle, signal.rawValue))
    }

    /// The process id, for messages.
    public var processIdentifier: Int32 {
        unsafe green_process_id(handle)
    }
}

@available(*, unavailable)
extension GreenProcess: Sendable {}

extension green_stdio {
    /// Nil means the same as output.
    fileprivate init(_ stream: GreenProcess.Stream?, pipe: UnsafeMutablePointer<OpaquePointer?>) {
        unsafe self.init()
        switch stream {
        case .inherited:
            unsafe kind = GREEN_STDIO_INHERITED
        case .null:
            unsafe kind = GREEN_STDIO_NULL
        case .pipe:
            unsafe kind = GREEN_STDIO_PIPE
            unsafe self.pipe = unsafe pipe
        case .descriptor(let descriptor):
            unsafe kind = GREEN_STDIO_DESCRIPTOR
            unsafe fd = descriptor.rawValue
        case nil:
            unsafe kind = GREEN_STDIO_OUTPUT
        }
    }
}

/// Rejects environment variables that the program would see changed.
private func check(_ environment: [String: String]?, for program: FilePath) throws {
    for (name, value) in environment ?? [:] {
        guard !name.isEmpty, !name.contains("=") else {
            throw SystemError(
                code: .invalidArgument,
                message: "cannot start '\(program)': invalid variable name '\(name)'"
            )
        }
        _ = (try checked(name, "environment"), try checked(value, "environment"))
    }
}

/// A C array of C strings, valid as long as this object.
@safe
private final class CStrings {
    /// Ended by nil.
    let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = UnsafeMutablePointer.allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() {
            unsafe (pointers + index).initialize(to: UnsafePointer(strdup(string)))
        }
        unsafe (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count {
            unsafe free(UnsafeMutablePointer(mutating: pointers[index]))
        }
        unsafe pointers.deallocate()
    }
}
