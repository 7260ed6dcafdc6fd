// A program with `static func main() async`.
import Dispatch
import Foundation
import Green

@main
struct Program {
    static func main() async throws {
        // Until its first suspension, main runs on the main OS thread, and its hub serves the main actor.
        show("main blocks before its first await", try askHere())
        if CommandLine.arguments.contains("leave") { leaveThread() }
        await MainActor.run { show("the main actor answers main", true) }
        show(
            "a green thread of a hub pool gets an answer of the main actor",
            try await Task.detached { try askFromPool() }.value
        )
        show("main continues on the main actor's queue", await MainActor.run { true })
    }

    static func show(_ name: String, _ works: Bool) {
        print("\(works ? "works" : "FAILS"): \(name)")
    }
}

nonisolated func askHere() throws -> Bool {
    let answers = Channel<Bool>()
    Task { @MainActor in
        let onMain = Thread.isMainThread
        await MainActor.run { try? answers.send(onMain) }
    }
    return try answers.receive()
}

/// Leaves a green thread behind on the main OS thread, which ends at the first suspension of main.
nonisolated func leaveThread() {
    spawn { try GreenThread.sleep(for: .seconds(1000)) }
    try? GreenThread.yield()
}

/// Runs on Swift's thread pool, outside the main actor, and blocks the OS thread.
nonisolated func askFromPool() throws -> Bool {
    let hubs = try HubPool(count: 1)
    let thread = hubs[0].spawn {
        let answers = Channel<Bool>()
        Task { @MainActor in
            await MainActor.run { try? answers.send(true) }
        }
        return try answers.receive()
    }
    return try thread.wait()
}
