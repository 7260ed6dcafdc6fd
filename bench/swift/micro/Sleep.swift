import Green

/// sleep: threads sleep for a nanosecond, which expires at the next check of the hub: starts and fires a timer, parks
/// and wakes.
func benchmarkSleep(_ plan: Plan) throws {
    for threads in [1, 10, 1000] {
        try plan.measure("sleep", threads: threads, steps: 1_000_000) { steps in
            let sleepers = (0..<threads).map { _ in
                spawn {
                    for _ in 0..<steps / threads {
                        try GreenThread.sleep(for: .nanoseconds(1))
                    }
                }
            }
            for sleeper in sleepers {
                try sleeper.wait()
            }
        }
    }
}
