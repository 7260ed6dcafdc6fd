import Green

private enum Request {
    @TaskLocal static var id = 0
}

/// What Swift concurrency costs green threads, and Tasks on a hub compared to Swift's thread pool.
func benchmarkTasks(_ plan: Plan) throws {
    try benchmarkTaskLocals(plan)
    try benchmarkHops(plan)
}

/// yield with task-locals: from one of two ready threads to the other, where each has a Task and a task-local, and how
/// much more that takes than without. Runs with and without alternate.
private func benchmarkTaskLocals(_ plan: Plan) throws {
    let rounds = 5_000_000 / plan.scale
    var (plain, bound): ([Double], [Double]) = ([], [])
    for _ in 0...plan.runs {
        plain.append(try yieldInPair(rounds))
        bound.append(try Request.$id.withValue(1) { try yieldInPair(rounds) })
    }
    let more = zip(bound, plain).map { $0 - $1 }
    try plan.report("yield with task-locals", threads: 2, bound.suffix(plan.runs))
    try plan.report("yield with task-locals, more", threads: 2, more.suffix(plan.runs))
}

/// Returns the nanoseconds of a yield from one of two threads to the other.
private func yieldInPair(_ rounds: Int) throws -> Double {
    let threads = (0..<2).map { _ in
        spawn {
            for _ in 0..<rounds {
                try GreenThread.yield()
            }
        }
    }
    let time = try nanoseconds {
        for thread in threads {
            try thread.wait()
        }
    }
    return time / Double(rounds * threads.count)
}

/// Task hop: creates a Task that does nothing, and awaits its value. On the hub, Tasks and their creator prefer one hub;
/// on Swift's thread pool, none does.
private func benchmarkHops(_ plan: Plan) throws {
    let hub = try Hub.current
    try plan.measure("Task hop on Swift's thread pool", threads: 1, steps: 200_000) { steps in
        try finish { promise in
            Task.detached {
                for _ in 0..<steps {
                    await Task {}.value
                }
                try promise.send()
            }
        }
    }
    try plan.measure("Task hop on a hub", threads: 1, steps: 200_000) { steps in
        try finish { promise in
            Task(executorPreference: hub) {
                for _ in 0..<steps {
                    await Task(executorPreference: hub) {}.value
                }
                try promise.send()
            }
        }
    }
}

/// Starts a Task that sends the promise at its end, and waits for that.
private func finish(_ start: (Promise<Void>) -> Void) throws {
    let promise = Promise<Void>()
    start(promise)
    try promise.wait()
}
