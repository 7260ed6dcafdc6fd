import Green

/// yield: from one ready thread to the next, including the hub's loop iterations.
///
/// The threads run in lockstep, because the run queue is FIFO: between two rounds of the first thread, each thread
/// yields once per round. So only the first thread measures the time, and starting and ending do not count.
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

/// Yields for a warm-up run and the measured runs, and returns the nanoseconds of the latter.
///
/// All threads yield at the same place in the code, as those of a server wait at the same place: a processor predicts a
/// return by the place of the last call.
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
