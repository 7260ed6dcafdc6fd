internal import CGreen
internal import Glibc
public import SystemPackage

/// A program that this process has started, with pipes that are read and written green.
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
/// ``run(_:arguments:environment:workingDirectory:input:limit:)`` does all of that for what fits into memory.
///
/// A process whose last reference goes while it runs goes on, and leaves no zombie when it ends. Nobody else is to
/// collect the ends of children, as `waitpid(-1)` does and ignoring SIGCHLD.
///
/// It belongs to its OS thread; so it is not `Sendable`.
@safe
public final class GreenProcess {
    /// What the program finds at one of its standard descriptors.
    public enum Stream: Hashable, Sendable {
        /// What this process has there.
        case inherited
        /// Nothing: `/dev/null`.
        case null
        /// A pipe to this process.
        case pipe
        /// A descriptor, which stays the caller's.
        case descriptor(FileDescriptor)
    }

    /// How a process has ended.
    public enum TerminationStatus: Hashable, Sendable {
        /// By itself, with that code.
        case exited(Int32)
        /// By a signal.
        case signaled(Signal)

        /// Whether it has ended by itself with the code 0.
        public var isSuccess: Bool { self == .exited(0) }
    }

    /// Owned.
    @safe private let handle: OpaquePointer

    /// The pipe to what the program reads, if it was asked for. The program sees its end when this is closed.
    public let input: GreenFile?

    /// The pipe from what the program writes, if it was asked for.
    public let output: GreenFile?

    /// The pipe from what the program says of errors, if it was asked for.
    public let error: GreenFile?

    /// Starts a program. Blocks, until the system has found and loaded it.
    ///
    /// No signal is blocked or ignored in it.
    ///
    /// - Parameters:
    ///   - program: Its name, which is looked up in this process's PATH, or a path with a "/", which begins at the
    ///     `workingDirectory` if it is relative.
    ///   - arguments: What it is to be told, without its own name.
    ///   - environment: Its variables; nil is those of this process.
    ///   - workingDirectory: Where it begins to run; nil is where this process is.
    ///   - input: What it reads from.
    ///   - output: What it writes to.
    ///   - error: What it writes to of errors; nil is wherever `output` goes.
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` when there is no such program or directory,
    ///   `permissionDenied`, `tooManyOpenFiles`, `invalidArgument` when a text has a NUL or a variable's name is empty or
    ///   has a "=", and others. When the thread is killed, the error of that kill; the program is then not started, or
    ///   killed at once.
    @available(*, noasync)
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

    /// Waits for the end, any number of times.
    ///
    /// - Parameter timeout: How long to wait at most; nil is for as long as it takes.
    /// - Returns: How it has ended.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout, `noChildProcess` when somebody else has
    ///   collected the end. When the thread is killed, the error of that kill. The process runs on.
    @available(*, noasync)
    public func wait(timeout: Duration? = nil) throws -> TerminationStatus {
        var end = green_process_end()
        try check(unsafe green_process_wait(handle, &end, timeout.timeout))
        return end.code >= 0 ? .exited(end.code) : .signaled(Signal(rawValue: end.signal))
    }

    /// Sends a signal to the process, and never to another that has got its number. Does not block.
    ///
    /// - Parameter signal: Which one.
    /// - Throws: A ``SystemError`` with the code `noSuchProcess` when a wait has told that it has ended. Until then a
    ///   signal to one that has does nothing.
    public func send(_ signal: Signal) throws {
        try check(unsafe green_process_signal(handle, signal.rawValue))
    }

    /// The system's number of it, for messages.
    public var processIdentifier: Int32 {
        unsafe green_process_id(handle)
    }
}

@available(*, unavailable)
extension GreenProcess: Sendable {}

extension green_stdio {
    /// Nil is wherever output goes.
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
            throw SystemError(code: .invalidArgument, message: "cannot start '\(program)': invalid variable name '\(name)'")
        }
        _ = (try checked(name, "environment"), try checked(value, "environment"))
    }
}

/// Strings as the core wants a list of them, as long as this lives.
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
