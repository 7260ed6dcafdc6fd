import Glibc
import Green
import Synchronization
import Testing

/// Passes a report from its OS thread to the one it is about.
private final class Notes: Sendable {
    private let holds = Mutex<[Monitor.Hold]>([])

    var all: [Monitor.Hold] { holds.withLock(\.self) }

    func add(_ hold: Monitor.Hold) {
        holds.withLock { $0.append(hold) }
    }
}

/// Blocks the hub until there is a report.
@inline(never)
private func holdUntilReported(_ notes: Notes) {
    for _ in 0..<30_000 where notes.all.isEmpty {
        usleep(1000)
    }
    precondition(!notes.all.isEmpty)
}

/// Whether the process has an OS thread with that id.
private func isOSThread(_ number: Int32) -> Bool {
    unsafe access("/proc/self/task/\(number)", F_OK) == 0
}

/// The OS threads of Swift's tasks block all signals.
private func unblockSignals() {
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
}

/// The monitor belongs to the process, so each test has its own process.
@Suite("The monitor")
struct MonitorTests {
    @Test
    func `reports the thread that blocks a hub, with its backtrace`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                unblockSignals()
                let notes = Notes()
                try Monitor.start(limit: .milliseconds(10)) { notes.add($0) }
                let thread = spawn(name: "greedy") { holdUntilReported(notes) }
                try thread.wait()
                let hold = notes.all[0]
                precondition(hold.threadID == thread.id)
                precondition(hold.threadName == "greedy")
                precondition(isOSThread(hold.osThread))
                precondition(hold.duration >= .milliseconds(10))
                precondition(hold.backtrace.contains { $0.contains("holdUntilReported") }, "\(hold)")
                precondition(hold.description.hasPrefix("green: \(thread) has blocked its hub, of OS thread"))
                precondition(hold.description.split(separator: "\n").count == hold.backtrace.count + 1)
                try GreenThread.yield()
                let longestIteration = try Hub.statistics.longestIteration
                precondition(longestIteration >= .milliseconds(10))
                try Monitor.stop()
                try Monitor.stop()
            }
        }
    }

    @Test
    func `reports an OS thread that blocks the signal without a backtrace`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                unblockSignals()
                var urgent = sigset_t()
                unsafe sigemptyset(&urgent)
                unsafe sigaddset(&urgent, SIGURG)
                unsafe pthread_sigmask(SIG_BLOCK, &urgent, nil)
                let notes = Notes()
                try Monitor.start(limit: .milliseconds(10)) { notes.add($0) }
                try spawn(name: "silent") { holdUntilReported(notes) }.wait()
                let hold = notes.all[0]
                precondition(hold.threadID == nil && hold.threadName == "" && hold.backtrace == [])
                precondition(hold.description.hasSuffix(" (no backtrace: signal \(SIGURG) is blocked)"))
                try Monitor.stop()
            }
        }
    }

    @Test
    func `retains its report function until it is switched off`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                weak var first: Notes?
                weak var second: Notes?
                do {
                    let notes = (Notes(), Notes())
                    (first, second) = notes
                    try Monitor.start { [first = notes.0] in first.add($0) }
                    let error = failure { try Monitor.start { [second = notes.1] in second.add($0) } }
                    precondition(error?.code == .alreadyInProcess)
                }
                precondition(first != nil)
                precondition(second == nil)
                try Monitor.stop()
                precondition(first == nil)
            }
        }
    }

    @Test
    func `refuses an invalid limit and an invalid signal`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                for limit in [Duration.zero, .seconds(-1), .microseconds(999)] {
                    let error = failure { try Monitor.start(limit: limit) }
                    precondition(error?.code == .invalidArgument)
                }
                let killing = Signal(rawValue: SIGKILL)
                precondition(failure { try Monitor.start(signal: killing) }?.code == .invalidArgument)
                precondition(failure { try Monitor.dumpAll(on: killing) }?.code == .invalidArgument)
                try Monitor.start(limit: .milliseconds(1), signal: .user1)
                precondition(failure { try Monitor.dumpAll(on: .user1) }?.code == .resourceBusy)
                try Monitor.dumpAll(on: .user2)
                try Monitor.dumpAll(on: nil)
                try Monitor.stop()
            }
        }
    }

    @Test
    func `makes all hubs write a dump on a signal`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                unblockSignals()
                try Monitor.dumpAll(on: .quit)
                let sleeper = spawn(name: "dozing") { try GreenThread.sleep(for: .seconds(1000)) }
                try settle()
                let switches = try Hub.statistics.switches
                kill(getpid(), SIGQUIT)
                // Switch to the thread that writes the dump, and back.
                for _ in 0..<30_000 where try Hub.statistics.switches < switches + 2 {
                    usleep(1000)
                    try GreenThread.yield()
                }
                try Monitor.dumpAll(on: nil)
                try sleeper.kill(waitingForEnd: true)
            }
        }
        let lines = String(decoding: child.standardErrorContent, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("green: ") && $0.contains("green threads of OS thread") })
        #expect(lines.contains { $0.contains("'dozing': parked, sleeping") })
    }
}
