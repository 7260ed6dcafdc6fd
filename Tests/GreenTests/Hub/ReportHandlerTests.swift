import Glibc
import Green
import Synchronization
import Testing

private struct Broken: Error {}

private final class Reports: Sendable {
    private let reports = Mutex<[GreenReport]>([])

    var all: [GreenReport] { reports.withLock(\.self) }

    func add(_ report: GreenReport) {
        reports.withLock { $0.append(report) }
    }

    func handle() {
        GreenReport.setHandler { self.add($0) }
    }
}

/// The handler belongs to the process, so each test has its own process.
@Suite("The handler of reports")
struct ReportHandlerTests {
    @Test
    func `the handler gets an error that no thread waited for, with its thread and its hub`() async {
        let child = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                try Hub.open(name: "front")
                let found = Reports()
                found.handle()
                var thread: GreenThread<Void>? = spawn(name: "careless") { throw Broken() }
                let id = thread!.id
                try GreenThread.yield()
                thread = nil
                let report = found.all[0]
                precondition(found.all.count == 1)
                precondition(report.level == .error && report.level > .warning)
                precondition(report.origin?.threadID == id)
                precondition(report.origin?.threadName == "careless" && report.origin?.hubName == "front")
                let text = "thread \(id) 'careless' ended with an error that no thread waited for: Broken()"
                precondition(report.text == text && "\(report)" == text)
                GreenReport.setHandler(nil)
                detach(name: "later") { throw Broken() }
                try GreenThread.yield()
                precondition(found.all.count == 1)
            }
        }
        let lines = child.map(reports) ?? []
        #expect(lines.count == 1 && lines[0].hasSuffix("'later' ended with an error: Broken()"), "\(lines)")
    }

    @Test
    func `an error on another hub is reported with its thread there, also if another OS thread releases it`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let hubs = try HubPool(count: 1, name: "back")
                let found = Reports()
                found.handle()
                var thread: RemoteThread<Void>? = hubs[0].spawn(name: "far") { throw Broken() }
                while thread!.isFinished == false { try GreenThread.sleep(for: .milliseconds(1)) }
                thread = nil
                while found.all.isEmpty { try GreenThread.sleep(for: .milliseconds(1)) }
                precondition(found.all[0].origin?.threadName == "far")
                precondition(found.all[0].origin?.hubName == "back-0")
                GreenReport.setHandler(nil)
                try hubs.close()
            }
        }
    }

    @Test
    func `in the handler a blocking call throws`() async {
        let child = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                _ = try Hub.current  // one that falls back to epoll reports it when it is made
                let found = Reports()
                GreenReport.setHandler { report in
                    found.add(report)
                    do {
                        try GreenThread.sleep(for: .zero)
                    } catch let error as SystemError {
                        precondition(error.code == .resourceTemporarilyUnavailable)
                        found.add(report)
                    } catch {}
                }
                detach { throw Broken() }
                try GreenThread.yield()
                precondition(found.all.count == 2)
                GreenReport.setHandler(nil)
            }
        }
        #expect(child.map(reports) == [])
    }

    @Test
    func `a handler that is replaced is released`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                weak var released: Reports?
                do {
                    let found = Reports()
                    released = found
                    found.handle()
                }
                precondition(released != nil)
                GreenReport.setHandler { _ in }
                precondition(released == nil)
                GreenReport.setHandler(nil)
            }
        }
    }

    @Test
    func `the current origin is that of the running thread, and nil without a hub`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                precondition(GreenReport.Origin.current == nil)
                try Hub.open(name: "front")
                let inner = try spawn(name: "worker") { (GreenReport.Origin.current, GreenThread.current.id) }.wait()
                precondition(inner.0?.threadID == inner.1)
                precondition(inner.0?.threadName == "worker" && inner.0?.hubName == "front")
                precondition(GreenReport.Origin.current?.threadID == GreenThread.current.id)
            }
        }
    }
}
