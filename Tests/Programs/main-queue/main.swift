// A plain top-level program whose main thread blocks in Green. It prints one line for each thing that works.
import Dispatch
import Foundation
import Glibc
import Green

func show(_ name: String, _ works: Bool) {
    print("\(works ? "works" : "FAILS"): \(name)")
}

func isOnMainThread() -> Bool {
    Thread.isMainThread
}

enum Request {
    @TaskLocal static var id = 0
}

/// What the main actor and the green threads of the main thread share.
@MainActor
final class Board {
    let results = Queue<Bool>()
    let lines = Queue<String>()
    let gate = Event<Void>()
    var count = 0

    // Code of a Task calls synchronous functions to block.
    func put(_ result: Bool) {
        do {
            try results.put(result)
        } catch {
            print("FAILS: \(error)")
        }
    }

    func checkIsolation() {
        MainActor.assumeIsolated {}
        dispatchPrecondition(condition: .onQueue(.main))
        put(isOnMainThread())
    }

    func waitForGate() throws {
        try lines.put("first begins")
        try gate.wait()
        try lines.put("first ends")
    }

    func second() throws {
        try lines.put("second")
    }

    func sleepAndCheckID(_ id: Int) throws {
        try GreenThread.sleep(for: .milliseconds(1))
        put(Request.id == id)
    }

    func killItself() {
        do {
            try GreenThread.current.kill()
            try GreenThread.sleep(for: .seconds(100))
        } catch {
            put(error is GreenExit)
        }
    }

    func spawnAndCheckIsolation() {
        let thread = spawn { MainActor.assumeIsolated { isOnMainThread() } }
        put((try? thread.wait()) == true)
    }

    func next() throws -> Bool {
        try results.get()
    }
}

let board = Board()

@MainActor
func tasks() throws {
    Task { @MainActor in board.put(isOnMainThread()) }
    show("a main-actor Task runs while main waits", try board.next())

    Task.detached {
        try await Task.sleep(for: .milliseconds(1))
        let onMain = await MainActor.run { isOnMainThread() }
        await board.put(onMain)
    }
    show("a detached Task gets an answer of the main actor", try board.next())

    Task { @MainActor in board.checkIsolation() }
    show("assumeIsolated and dispatchPrecondition hold in a main-actor Task", try board.next())
    board.checkIsolation()
    show("assumeIsolated and dispatchPrecondition hold in main", try board.next())
    spawn { board.checkIsolation() }
    show("assumeIsolated and dispatchPrecondition hold in a green thread of main", try board.next())
    Task { @MainActor in board.spawnAndCheckIsolation() }
    show("assumeIsolated holds in a green thread that a main-actor Task spawned", try board.next())
}

@MainActor
func dispatch() throws {
    Thread.detachNewThread {
        DispatchQueue.main.async { MainActor.assumeIsolated { board.checkIsolation() } }
    }
    show("DispatchQueue.main.async of another OS thread", try board.next())
    let answer = try offload { DispatchQueue.main.sync { isOnMainThread() } }
    show("DispatchQueue.main.sync of another OS thread", answer)
    DispatchQueue.main.asyncAfter(deadline: .now() + .milliseconds(1)) {
        MainActor.assumeIsolated { board.checkIsolation() }
    }
    show("DispatchQueue.main.asyncAfter", try board.next())
}

@MainActor
func blocking() throws {
    Task { @MainActor in try board.waitForGate() }
    Task { @MainActor in try board.second() }
    var seen = [try board.lines.get()]
    spawn { try board.lines.put("thread") }
    seen.append(try board.lines.get())
    try board.gate.send()
    seen.append(try board.lines.get())
    seen.append(try board.lines.get())
    show(
        "a blocked main-actor Task stops other such Tasks and no green thread",
        seen == ["first begins", "thread", "first ends", "second"]
    )

    Request.$id.withValue(7) {
        _ = Task { @MainActor in try board.sleepAndCheckID(7) }
    }
    show(
        "a main-actor Task keeps its task-locals while it sleeps",
        try Request.$id.withValue(8) { try board.next() && Request.id == 8 }
    )

    Task { @MainActor in board.killItself() }
    Task { @MainActor in try board.sleepAndCheckID(0) }
    show("a kill ends one call of a main-actor Task", try board.next())
    show("and does not reach the next Task", try board.next())
}

@MainActor
func addItself() {
    board.count += 1
    DispatchQueue.main.async { MainActor.assumeIsolated { addItself() } }
}

/// A flood of calls, and a flood of switches.
@MainActor
func floods() throws {
    var switches = 0
    let spinner = spawn {
        while true {
            try GreenThread.yield()
            switches += 1
        }
    }
    Thread.detachNewThread {
        for number in 1...100_000 {
            DispatchQueue.main.async {
                MainActor.assumeIsolated {
                    board.count += 1
                    if number == 100_000 { board.put(true) }
                }
            }
        }
    }
    _ = try board.next()
    show("a flood of calls runs while a green thread yields all the time", board.count == 100_000 && switches > 0)
    addItself()
    let before = (switches, board.count)
    while switches < before.0 + 1000 || board.count < before.1 + 1000 { try GreenThread.yield() }
    let socket = try Socket.pair()
    try socket.0.write("x")
    show("calls that add the next one stop neither threads nor I/O", try socket.1.read(upTo: 1).count == 1)
    try spinner.kill()
}

@MainActor
func forks() throws {
    Task { @MainActor in board.put(true) }
    _ = try board.next()
    let child = SystemFork.fork()
    if child == 0 {
        let event = Event<Void>()
        spawn { try event.send() }
        try event.wait()
        for _ in 0..<100 { try GreenThread.yield() }
        _exit(3)
    }
    var rounds = 0
    for _ in 0..<100 {
        Task { @MainActor in board.put(true) }
        rounds += try board.next() ? 1 : 0
    }
    var status: Int32 = 0
    unsafe waitpid(child, &status, 0)
    show("a forked child takes no work of the main queue", rounds == 100 && status >> 8 == 3)
}

enum SystemFork {
    /// Swift does not import fork(2).
    static let fork = unsafe unsafeBitCast(dlsym(nil, "fork"), to: (@convention(c) () -> pid_t).self)
}

@MainActor
func closing() throws {
    for _ in 0..<3 {
        var called = false
        spawn { while !called { try GreenThread.yield() } }
        DispatchQueue.main.async { called = true }
        while !called { try GreenThread.yield() }
        try GreenThread.yield()
        try Hub.close()
    }
    show("the hub closes and opens again", true)
}

@MainActor
func deadlocks() throws {
    do {
        _ = try Queue<Int>().get()
    } catch is DeadlockError {
        show("a deadlock of a program without other OS threads", true)
    }
    DispatchQueue.main.async { MainActor.assumeIsolated { board.put(true) } }
    show("a call that is in the queue already is not a deadlock", try board.next())
}

/// A run loop blocks the OS thread, and calls the main queue itself.
@MainActor
func runLoops() throws {
    var switches = 0
    let thread = spawn {
        while true {
            try GreenThread.yield()
            switches += 1
        }
    }
    func turn() -> Bool {
        let before = board.count
        DispatchQueue.main.async { MainActor.assumeIsolated { board.count += 1 } }
        while board.count == before { _ = RunLoop.main.run(mode: .default, before: .distantFuture) }
        return true
    }
    show("a run loop of main calls the main queue", turn() && switches == 0)
    let other = spawn { turn() }
    show("a run loop in a green thread does", try other.wait())
    Task { @MainActor in board.put(turn()) }
    // Now the queue is in a call, so the run loop ends at its timer.
    let timer = Timer(timeInterval: 0.02, repeats: true) { _ in MainActor.assumeIsolated { board.count += 1 } }
    RunLoop.main.add(timer, forMode: .default)
    show("a run loop in the main actor's code waits for timers", try board.next())
    timer.invalidate()
    Task { @MainActor in board.put(true) }
    show("the hub calls the queue afterwards", try board.next())
    try thread.kill()
}

let groups: [String: @MainActor () throws -> Void] = [
    "tasks": tasks, "dispatch": dispatch, "blocking": blocking, "floods": floods, "forks": forks, "closing": closing,
    "runLoops": runLoops,
    "deadlocks": deadlocks,
]
try groups[CommandLine.arguments.last!]!()
