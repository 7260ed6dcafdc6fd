internal import SystemPackage

/// The output of a program, and how it ended.
public struct CollectedOutput: Hashable, Sendable {
    /// How the program ended.
    public let terminationStatus: GreenProcess.TerminationStatus

    /// The bytes of standard output.
    public let standardOutput: [UInt8]

    /// The bytes of standard error.
    public let standardError: [UInt8]

    /// Standard output as text. Invalid UTF-8 is repaired.
    public var text: String { String(decoding: standardOutput, as: UTF8.self) }

    /// Standard error as text. Invalid UTF-8 is repaired.
    public var errorText: String { String(decoding: standardError, as: UTF8.self) }
}

/// Runs a program to its end, and collects what it writes.
///
/// ```swift
/// let listing = try run("ls", arguments: ["-l", "/tmp"])
/// guard listing.terminationStatus.isSuccess else { throw Failure(listing.errorText) }
/// print(listing.text)
/// ```
///
/// The same as ``GreenProcess/run(_:arguments:environment:workingDirectory:input:limit:)``.
///
/// - Parameters:
///   - program: A name, which is looked up in this process's PATH, or a path with a "/". A relative path begins at the
///     `workingDirectory`.
///   - arguments: The arguments, without the name of the program.
///   - environment: The environment variables; nil means those of this process.
///   - workingDirectory: The directory it starts in; nil means that of this process.
///   - input: The bytes for standard input. The program need not read all of them.
///   - limit: The maximum number of bytes on standard output, 0 or more, and the same for standard error.
/// - Returns: The output of the program, and how it ended. A failure of the program is no error here.
/// - Throws: The errors of ``GreenProcess/run(_:arguments:environment:workingDirectory:input:limit:)``.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func run(
    _ program: any PathConvertible,
    arguments: [String] = [],
    environment: [String: String]? = nil,
    workingDirectory: (any PathConvertible)? = nil,
    input: some Collection<UInt8> = [],
    limit: Int = 16 << 20
) throws -> CollectedOutput {
    try GreenProcess.run(
        program,
        arguments: arguments,
        environment: environment,
        workingDirectory: workingDirectory,
        input: input,
        limit: limit
    )
}

extension GreenProcess {
    /// Runs a program to its end, and collects what it writes.
    ///
    /// ```swift
    /// let listing = try GreenProcess.run("ls", arguments: ["-l", "/tmp"])
    /// print(listing.text)
    /// ```
    ///
    /// Blocks the calling green thread until the program has ended and every copy of its output descriptors is closed. A
    /// program that it leaves running in the background may hold such a copy.
    ///
    /// ``/Green/run(_:arguments:environment:workingDirectory:input:limit:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - program: A name, which is looked up in this process's PATH, or a path with a "/". A relative path begins at the
    ///     `workingDirectory`.
    ///   - arguments: The arguments, without the name of the program.
    ///   - environment: The environment variables; nil means those of this process.
    ///   - workingDirectory: The directory it starts in; nil means that of this process.
    ///   - input: The bytes for standard input. The program need not read all of them.
    ///   - limit: The maximum number of bytes on standard output, 0 or more, and the same for standard error.
    /// - Returns: The output of the program, and how it ended. A failure of the program is no error here.
    /// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` if there is no such program or directory,
    ///   `messageTooLong` if it writes more than the limit, or another code. If the thread is killed or its ``Timeout``
    ///   fires, that error. In each of these cases the program is killed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func run(
        _ program: any PathConvertible,
        arguments: [String] = [],
        environment: [String: String]? = nil,
        workingDirectory: (any PathConvertible)? = nil,
        input: some Collection<UInt8> = [],
        limit: Int = 16 << 20
    ) throws -> CollectedOutput {
        try checked(limit, "limit")
        let program = try checkedPath(program, "program")
        let process = try GreenProcess(
            program,
            arguments: arguments,
            environment: environment,
            workingDirectory: workingDirectory,
            input: input.isEmpty ? .null : .pipe,
            output: .pipe,
            error: .pipe
        )
        let (source, output, errors) = (process.input, process.output!, process.error!)
        let writer = try source.map { source in
            let bytes = Array(input)
            return try spawned { try feed(bytes, to: source) }
        }
        let reader = try spawned {
            do {
                return try collect(errors, of: program, limit: limit)
            } catch {
                // Without a reader the program would block forever when the pipe is full.
                try? process.send(.kill)
                throw error
            }
        }
        var isOver = false
        defer {
            if !isOver {
                try? process.send(.kill)
                try? writer?.kill()
                try? reader.kill()
            }
        }
        let collected = try collect(output, of: program, limit: limit)
        let collectedErrors = try reader.wait().get()
        let status = try process.wait()
        // The program has ended. A background program that still reads the input is ignored.
        try writer?.kill()
        isOver = true
        return CollectedOutput(
            terminationStatus: status,
            standardOutput: collected,
            standardError: collectedErrors
        )
    }
}

/// Starts a thread whose error is part of its result, so that it is not reported if no call waits for it.
private func spawned<Success>(_ body: @escaping () throws -> Success) throws -> GreenThread<Result<Success, any Error>>
{
    spawn { Result { try body() } }
}

private func collect(_ file: GreenFile, of program: FilePath, limit: Int) throws -> [UInt8] {
    do {
        return try file.readAll(limit: limit)
    } catch let error as SystemError where error.code == .messageTooLong {
        throw SystemError(
            code: .messageTooLong,
            message: "'\(program)' was killed: its output exceeds the limit of \(limit) bytes"
        )
    }
}

/// Writes the input of the program, as far as the program reads it.
private func feed(_ bytes: [UInt8], to source: GreenFile) throws {
    do {
        try source.write(bytes)
    } catch let error as SystemError where error.code == .brokenPipe {
    }
    try source.close()
}
