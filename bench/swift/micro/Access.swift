import Green

/// access: one access to a property of an object, with none and with 10 000 threads parked inside a `mutating` method
/// on the same property of other objects.
///
/// Swift has a list of the open accesses of each OS thread, and compares each new access with all of them. A thread
/// that parks inside a `mutating` method leaves one open. The core saves the list with the thread; otherwise an access
/// would cost tens of microseconds here.
func benchmarkAccess(_ plan: Plan) throws {
    let idle = Owner()
    for threads in [0, 10_000] {
        let gate = spawn(after: .seconds(3600)) {}
        var arrived = 0
        let parked = (0..<threads).map { _ in
            spawn {
                let owner = Owner()
                arrived += 1
                owner.session.run { _ = try? gate.wait() }
            }
        }
        while arrived < threads {
            try GreenThread.yield()
        }
        try plan.measure("property access", threads: threads, steps: 200_000) { steps in
            for _ in 0..<steps {
                idle.touch()
            }
        }
        gate.cancel()
        for thread in parked {
            try thread.wait()
        }
    }
}

private struct Session {
    var runs = 0

    /// The access to `self` is open until the body has returned. Inlining would split it in two.
    @inline(never)
    mutating func run(_ body: () -> Void) {
        body()
        runs += 1
    }
}

private final class Owner {
    /// Each use is checked at run time, because one access to it spans an unknown call.
    var session = Session()

    /// Inlined in a loop, all accesses would become one.
    @inline(never)
    func touch() {
        session.runs += 1
    }
}
