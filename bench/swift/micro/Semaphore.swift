import Green

/// semaphore hand-over: one permit circulates. A thread releases it to the first waiter, then waits itself: a release,
/// an acquire that blocks, and a switch.
func benchmarkSemaphore(_ plan: Plan) throws {
    for threads in [2, 10] {
        try plan.measure("semaphore hand-over", threads: threads, steps: 5_000_000) { steps in
            // The permit is released when all threads wait. Otherwise the first would acquire it alone.
            let permit = Semaphore(permits: 0)
            let circle = (0..<threads).map { _ in
                spawn {
                    for _ in 0..<steps / threads {
                        try permit.acquire()
                        permit.release()
                    }
                }
            }
            try GreenThread.yield()
            precondition(permit.waitingCount == threads, "all threads wait for the permit")
            permit.release()
            for thread in circle {
                try thread.wait()
            }
            precondition(permit.permits == 1, "the permit is released")
        }
    }
}
