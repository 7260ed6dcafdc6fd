import Green

/// access: one access to a property of an object, with none and with 10 000 threads parked inside a `mutating` method
/// on the same property of other objects.
///
/// Swift keeps the accesses that are under way in a list for each OS thread, and compares each new one with all of
/// them. A thread that parks inside a `mutating` method leaves one open. The core takes the list off with the thread;
/// did it not, an access would cost tens of microseconds here.
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

    /// The access to `self` is open until the body has returned. Not inlined: it would be cut in two.
    @inline(never)
    mutating func run(_ body: () -> Void) {
        body()
        runs += 1
    }
}

private final class Owner {
    /// Checked at run time wherever it is used, because some access to it spans a call to anywhere.
    var session = Session()

    /// Not inlined: a loop of it would make one access of all.
    @inline(never)
    func touch() {
        session.runs += 1
    }
}
