import Green
import GreenLogging
import InMemoryLogging
import Logging
import Testing

private struct Broken: Error {}

private func logger(_ handler: InMemoryLogHandler, provider: Logger.MetadataProvider? = nil) -> Logger {
    Logger(label: "test") { _ in
        var handler = handler
        handler.metadataProvider = provider
        return handler
    }
}

/// The handler of reports belongs to the process, so each test has its own process.
@Suite("GreenLogging")
struct LoggingTests {
    @Test
    func `an error that no thread waited for reaches the logger, with its thread and its hub`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let log = InMemoryLogHandler()
                try Hub.open(name: "front")
                GreenReport.log(to: logger(log, provider: .green))
                var thread: GreenThread<Void>? = spawn(name: "careless") { throw Broken() }
                let id = thread!.id
                try GreenThread.yield()
                thread = nil
                let line = log.entries[0]
                require(log.entries.count == 1 && line.level == .error)
                let text = "thread \(id) 'careless' ended with an error that no thread waited for: Broken()"
                require(line.message == "\(text)")
                require(
                    line.metadata
                        == ["green.thread": "\(id)", "green.thread.name": "careless", "green.hub": "front"]
                )
            }
        }
    }

    @Test
    func `the level of the logger applies to reports`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let log = InMemoryLogHandler()
                var silent = logger(log)
                silent.logLevel = .critical
                GreenReport.log(to: silent)
                detach { throw Broken() }
                try GreenThread.yield()
                require(log.entries.isEmpty)
                GreenReport.log(to: logger(log))
                detach { throw Broken() }
                try GreenThread.yield()
                require(log.entries.count == 1)
            }
        }
    }

    @Test
    func `a deadlock reaches the logger, with what each thread waits for`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let log = InMemoryLogHandler()
                GreenReport.log(to: logger(log))
                let event = Event<Int>()
                let stuck = spawn(name: "stuck") { try event.wait() }
                do {
                    _ = try stuck.wait()
                    fatalError("no deadlock")
                } catch is DeadlockError {}
                require(log.entries.contains { "\($0.message)".contains("'stuck': parked") })
            }
        }
    }

    @Test
    func `the metadata provider names the thread and the hub of each line, and makes no hub`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let log = InMemoryLogHandler()
                let logger = logger(log, provider: .green)
                logger.info("early")
                do {
                    _ = try Hub.statistics
                    fatalError("a hub was made")
                } catch is SystemError {}
                try Hub.open(name: "front")
                let thread = spawn(name: "worker") {
                    logger.info("first")
                    try GreenThread.yield()
                    logger.info("second")
                }
                logger.info("main")
                try thread.wait()
                let lines = Dictionary(uniqueKeysWithValues: log.entries.map { ("\($0.message)", $0.metadata) })
                let worker: Logger.Metadata = [
                    "green.thread": "\(thread.id)", "green.thread.name": "worker", "green.hub": "front",
                ]
                require(lines["early"] == [:])
                require(lines["first"] == worker && lines["second"] == worker)
                require(lines["main"]?["green.thread"] == "\(GreenThread.current.id)")
            }
        }
    }
}
