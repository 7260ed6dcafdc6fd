import Glibc
import Green
import Testing

@Suite("green-pipeline")
struct PipelineTests {
    /// A server that answers each line with the result of the closure.
    private func lineServer(_ answer: @escaping (String) throws -> String) throws -> Listener {
        let listener = try listen(on: "127.0.0.1:0")
        detach(name: "line server") {
            try serve(listener, onError: { _ in }) { client, _ in
                while let line = try client.readLine() {
                    try client.write("\(answer(line))\n")
                }
            }
        }
        return listener
    }

    /// The outcome of each item: "result", or "failed: error".
    private func results(_ lines: [String]) -> [String: String] {
        var results: [String: String] = [:]
        for line in lines where line.hasPrefix("worker ") {
            let parts = line.split(separator: " ", maxSplits: 3)
            let known = results.updateValue(
                parts[3].hasPrefix("-> ") ? String(parts[3].dropFirst(3)) : String(parts[3]),
                forKey: String(parts[2])
            )
            #expect(known == nil, "\(line)")
        }
        return results
    }

    private let numbers = { (range: ClosedRange<Int>) in Set(range.map { "\($0)" }) }

    @Test(arguments: [0, 1, 7])
    func `passes each item once, with any capacity`(capacity: Int) throws {
        try onHub { () throws in
            let program = try Program(
                "green-pipeline",
                ["--items", "100", "--producers", "3", "--workers", "5", "--work", "0", "--capacity", "\(capacity)"]
            )
            let lines = try program.rest()
            #expect(lines.count == 102)
            #expect(Set(results(lines).keys) == numbers(1...100))
            #expect(results(lines)["1"] == "af63ac4c86019afc", "the FNV-1a of '1'")
            #expect(
                lines.contains { $0.hasPrefix("green-pipeline: items: 100, failed: 0, of these timed out: 0, in ") }
            )
            #expect(lines.last?.hasPrefix("green-pipeline: queue: held \(capacity) of \(capacity) at most; ") == true)
            #expect(lines.last?.contains("waited for room: 0 times") == false)
            #expect(try program.exitCode() == 0)
        }
    }

    @Test
    func `reports that its output could not be written`() throws {
        try onHub { () throws in
            let program = Program.folder + "/green-pipeline"
            let result = try run(
                "sh",
                arguments: ["-c", "ASAN_OPTIONS=detect_leaks=0 exec \"$0\" --items 3 --work 0 >/dev/full", program]
            )
            #expect(result.terminationStatus == .exited(1))
            #expect(result.errorText.hasSuffix("green-pipeline: not all of the output could be written\n"))
        }
    }

    @Test
    func `sends lines of files to a server, and names a missing file`() throws {
        try onHub { () throws in
            let server = try lineServer { $0.uppercased() }
            let (pipe, end) = try TemporaryFile.pipe()
            let file = try TemporaryFile("one\r\ntwo")
            let program = try Program(
                "green-pipeline",
                [pipe.path, file.path, "/nowhere", "--to", "\(server.address)"]
            )
            try end.writeAll("slow\n".utf8)
            var lines: [String] = []
            while lines.filter({ $0.hasPrefix("worker ") }).count < 3 {
                lines.append(try #require(try program.output.readLine()))
            }
            // Both producers have started: one waits for the pipe, the other one has read the files.
            try end.writeAll("three".utf8)
            try end.close()
            lines += try program.rest()
            #expect(results(lines) == ["one": "ONE", "two": "TWO", "slow": "SLOW", "three": "THREE"])
            #expect(lines.contains("green-pipeline: cannot open /nowhere: No such file or directory"))
            #expect(try program.exitCode() == 1)
            try server.stop(drainingFor: .zero)
        }
    }

    @Test
    func `gives up an item at its time limit, and closes its connection`() throws {
        try onHub { () throws in
            var connections = 0
            let listener = try listen(on: "127.0.0.1:0")
            detach(name: "silent server") {
                try serve(listener) { client, _ in
                    connections += 1
                    while try client.readLine() != nil {}
                }
            }
            let program = try Program(
                "green-pipeline",
                ["--items", "3", "--workers", "1", "--timeout", "0.02", "--to", "\(listener.address)"]
            )
            let lines = try program.rest()
            let failures = results(lines)
            #expect(Set(failures.keys) == numbers(1...3))
            #expect(failures.values.allSatisfy { $0.hasPrefix("failed: timed out after 0.02") }, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("green-pipeline: items: 3, failed: 3, of these timed out: 3, in ") })
            #expect(try program.exitCode() == 1)
            #expect(connections == 3)
            try listener.stop(drainingFor: .zero)
        }
    }

    /// A pipeline whose only worker waits for an answer while its queue is full: the worker has 1, the queue has 2 to
    /// 5, and the producer waits with 6.
    private func fullPipeline(_ server: Listener) throws -> Program {
        try Program(
            "green-pipeline",
            ["--producers", "1", "--workers", "1", "--capacity", "4", "--timeout", "60", "--to", "\(server.address)"]
        )
    }

    @Test
    func `finishes the items in the queue on a signal`() throws {
        try onHub { () throws in
            let (asked, answer) = (Event<Void>(), Event<Void>())
            let server = try lineServer { line in
                if !asked.isSent {
                    try asked.send()
                }
                try answer.wait()
                return "\(line)!"
            }
            let program = try fullPipeline(server)
            try asked.wait(timeout: .seconds(60))
            program.signal(SIGINT)
            #expect(try program.output.readLine() == "green-pipeline: Interrupt: finishing the items in the queue")
            try answer.send()
            let lines = try program.rest()
            #expect(results(lines) == ["1": "1!", "2": "2!", "3": "3!", "4": "4!", "5": "5!"])
            #expect(lines.last?.hasPrefix("green-pipeline: queue: held 4 of 4 at most; ") == true)
            #expect(lines.last?.contains("waited for room: 2 times") == true)
            #expect(try program.exitCode() == 0)
            try server.stop(drainingFor: .zero)
        }
    }

    @Test
    func `exits at once on a second signal`() throws {
        try onHub { () throws in
            let asked = Event<Void>()
            let server = try lineServer { line in
                try asked.send()
                try GreenThread.sleep(for: .seconds(3600))
                return line
            }
            let program = try fullPipeline(server)
            try asked.wait(timeout: .seconds(60))
            program.signal(SIGTERM)
            #expect(try program.output.readLine() == "green-pipeline: Terminated: finishing the items in the queue")
            program.signal(SIGINT)
            #expect(try program.rest() == [])
            #expect(try program.exitCode() == 1)
            try server.stop(drainingFor: .zero)
        }
    }

    @Test(arguments: [
        ("--workers", "0", "--workers takes a number from 1 to 100000, not '0'"),
        ("--capacity", "-1", "--capacity takes a number of at least 0, not '-1'"),
        ("--timeout", "soon", "--timeout takes a number of seconds above 0, not 'soon'"),
        ("--timeout", "nan", "--timeout takes a number of seconds above 0, not 'nan'"),
        ("-x", "1", "unknown option '-x'"),
    ])
    func `refuses invalid options`(option: String, value: String, complaint: String) throws {
        try onHub { () throws in
            let program = try Program("green-pipeline", option, value)
            let lines = try program.rest()
            #expect(lines.contains("green-pipeline: \(complaint)"), "\(lines)")
            #expect(lines.contains { $0.hasPrefix("usage: green-pipeline") })
            #expect(try program.exitCode() == 2)
        }
    }
}
