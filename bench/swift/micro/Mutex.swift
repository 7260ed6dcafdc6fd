import Green

/// mutex lock, unlock: `withLock` on a mutex that no other thread wants.
/// mutex hand-over: one mutex circulates. A thread unlocks it for the first waiter, then locks it again: an unlock, a
/// lock that blocks, and a switch.
func benchmarkMutex(_ plan: Plan) throws {
    // Not in the context of the OS thread, which has no exit to observe.
    try spawn {
        let mutex = GreenMutex(0)
        try plan.measure("mutex lock, unlock", threads: 1, steps: 20_000_000) { steps in
            for _ in 0..<steps {
                try mutex.withLock { $0 &+= 1 }
            }
        }
    }.wait()
    for threads in [2, 10] {
        try plan.measure("mutex hand-over", threads: threads, steps: 5_000_000) { steps in
            let mutex = GreenMutex(0)
            var circle: [GreenThread<Void>] = []
            // All threads wait when the mutex is unlocked. Otherwise the first would lock and unlock it alone.
            try mutex.withLock { _ in
                circle = (0..<threads).map { _ in
                    spawn {
                        for _ in 0..<steps / threads {
                            try mutex.withLock { $0 &+= 1 }
                        }
                    }
                }
                try GreenThread.yield()
                precondition(mutex.waitingCount == threads, "all threads wait for the mutex")
            }
            for thread in circle {
                try thread.wait()
            }
        }
    }
}
