import Green
import Testing

@Suite("Child processes")
struct ProcessTests {
    @Test
    func `talk through pipes`() throws {
        try onHub { () throws in
            let cat = try GreenProcess("cat", input: .pipe, output: .pipe)
            let (input, output) = try (#require(cat.input), #require(cat.output))
            #expect(cat.error == nil)
            #expect(cat.processIdentifier > 1)
            let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 3) }
            let writer = spawn {
                try input.write(bytes)
                try input.close()
            }
            #expect(try output.readAll() == bytes)
            try writer.wait()
            #expect(try cat.wait() == .exited(0))
            #expect(try cat.wait().isSuccess)
        }
    }

    @Test
    func `end with a code or by a signal`() throws {
        try onHub { () throws in
            #expect(try GreenProcess("sh", arguments: ["-c", "exit 7"]).wait() == .exited(7))
            let sleep = try GreenProcess("sleep", arguments: ["1000"])
            #expect(failure { try sleep.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            let waiter = spawn { try sleep.wait() }
            try settle()
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            try sleep.send(.terminate)
            #expect(try sleep.wait() == .signaled(.terminate))
            #expect(failure { try sleep.send(.terminate) }?.code == .noSuchProcess)
        }
    }

    @Test
    func `refuse arguments and variables that C would truncate`() throws {
        try onHub { () throws in
            #expect(failure { try run("echo", arguments: ["a\0b"]) }?.code == .invalidArgument)
            #expect(failure { try run("env", environment: ["A": "b\0c"]) }?.code == .invalidArgument)
            let error = try #require(failure { try run("env", environment: ["A=B": "c"]) })
            #expect(error.code == .invalidArgument)
            #expect("\(error)".contains("'A=B'"))
        }
    }

    @Test
    func `run and have their output collected`() throws {
        try onHub { () throws in
            let result = try run("sh", arguments: ["-c", "echo out; echo err >&2; exit 3"])
            #expect(result.terminationStatus == .exited(3))
            #expect(result.text == "out\n")
            #expect(result.errorText == "err\n")
            let sorted = try run("sort", arguments: ["-r"], input: "a\nb\nc\n".utf8)
            #expect(sorted.text == "c\nb\na\n")
            let large = [UInt8](repeating: 0x78, count: 1 << 20)
            #expect(try run("cat", input: large).standardOutput == large)
            #expect(try run("true", input: large).standardOutput.isEmpty)
            let there = try run(
                "sh",
                arguments: ["-c", "pwd; echo $COLOUR"],
                environment: ["COLOUR": "red"],
                workingDirectory: "/usr"
            )
            #expect(there.text == "/usr\nred\n")
        }
    }

    @Test
    func `are killed if they write too much or take too long`() throws {
        try onHub { () throws in
            #expect(failure { try run("yes", limit: 100_000) }?.code == .messageTooLong)
            let noise = ["-c", "exec yes >&2"]
            #expect(failure { try run("sh", arguments: noise, limit: 100_000) }?.code == .messageTooLong)
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(20)) { try run("sleep", arguments: ["1000"]) }
            }
            let runner = spawn { try run("cat", input: [1, 2, 3]) }
            try runner.kill()
            #expect(throws: GreenExit.self) { try runner.wait() }
        }
    }

    @Test
    func `of programs that do not exist are an error`() throws {
        try onHub { () throws in
            let error = failure { try run("no-such-program") }
            #expect(error?.code == .noSuchFileOrDirectory)
            #expect(error?.message.hasPrefix("cannot start 'no-such-program', which was looked up in PATH") == true)
            let lost = failure { try run("true", workingDirectory: "/no/such/place") }
            #expect(lost?.message.contains("in the directory '/no/such/place'") == true)
        }
    }

    @Test
    func `take descriptors, and can share one for output and errors`() throws {
        try onHub { () throws in
            let (output, input) = try greenPipe()
            let process = try GreenProcess(
                "sh",
                arguments: ["-c", "cat; echo out; echo err >&2"],
                input: .null,
                output: .descriptor(input.fileDescriptor),
                error: nil
            )
            try input.close()
            #expect(try output.lines.map { try $0.get() } == ["out", "err"])
            #expect(try process.wait().isSuccess)
        }
    }
}
