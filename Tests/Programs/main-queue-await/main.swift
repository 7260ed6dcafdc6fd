// Top-level code with `await`, which makes it an async main: libdispatch calls the main queue on its own OS threads.
import Dispatch
import Glibc
import Green

func show(_ name: String, _ works: Bool) {
    print("\(works ? "works" : "FAILS"): \(name)")
}

await Task.yield()
show("top-level code runs after an await", true)

/// Blocks the OS thread of a main-actor job: nothing else of the main actor runs meanwhile.
@MainActor
func block() throws -> Bool {
    let done = Queue<Int>()
    spawn { try done.put(1) }
    var others = 0
    Task { @MainActor in others += 1 }
    try GreenThread.sleep(for: .milliseconds(5))
    return try done.get() == 1 && others == 0
}
show("a blocking call in a main-actor job holds the main actor", try await MainActor.run { try block() })
let after = Task { @MainActor in true }
show("the main actor continues afterwards", await after.value)
let queued = Task.detached { await MainActor.run { true } }
show("a detached Task gets an answer of the main actor", await queued.value)
let called = await withCheckedContinuation { continuation in
    DispatchQueue.main.async { continuation.resume(returning: true) }
}
show("DispatchQueue.main.async", called)
