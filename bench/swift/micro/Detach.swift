import Green

private final class Counter {
    var left = 0
}

/// detach: creates a batch of threads, and runs them to their end with one yield.
func benchmarkDetach(_ plan: Plan) throws {
    let counter = Counter()
    for batch in [1, 100] {
        try plan.measure("detach", threads: batch, steps: 1_000_000) { steps in
            for _ in 0..<steps / batch {
                counter.left = batch
                for _ in 0..<batch {
                    detach { counter.left -= 1 }
                }
                try GreenThread.yield()
                precondition(counter.left == 0, "a yield runs each ready thread")
            }
        }
    }
}
