import Green

/// yield: from one ready thread to the next, the hub's own turns included.
///
/// The threads run in lockstep, because ready order is FIFO: between one round of the first thread and a later one
/// each thread has yielded once a round. So the first one alone keeps the time, and starting and ending do not count.
func benchmarkYield(_ plan: Plan) throws {
    for threads in [2, 10, 10_000] {
        let rounds = 10_000_000 / plan.scale / threads
        let first = spawn { try takeTurns(plan.runs, of: rounds) }
        for _ in 1..<threads {
            detach { _ = try takeTurns(plan.runs, of: rounds) }
        }
        let times = try first.wait()
        try GreenThread.yield()  // the others are in their last round
        try plan.report("yield", threads: threads, times.map { $0 / Double(rounds * threads) })
    }
}

/// Yields for one run to warm up and those that count, and returns the nanoseconds of those.
///
/// All threads yield in the same place, as those of a server wait in the same place: a processor predicts a return by
/// where the last call was.
@inline(never)
private func takeTurns(_ runs: Int, of rounds: Int) throws -> [Double] {
    try (0...runs).map { _ in
        try nanoseconds {
            for _ in 0..<rounds {
                try GreenThread.yield()
            }
        }
    }.suffix(runs)
}
