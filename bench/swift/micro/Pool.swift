import Green

private final class Counter {
    var left = 0
}

/// pool: creates, runs and waits for a thread, in a pool of 100 with room and without a pool; lets a pool or a group
/// wait for a hundred threads at a time.
func benchmarkPool(_ plan: Plan) throws {
    let size = 100
    let pool = GreenPool(size: size)
    try plan.measure("plain spawn + finish", threads: 1, steps: 500_000) { steps in
        for step in 0..<steps {
            let result = try spawn { step }.wait()
            precondition(result == step, "a thread returns its own result")
        }
    }
    try plan.measure("pool spawn + finish", threads: 1, steps: 500_000) { steps in
        for step in 0..<steps {
            let result = try pool.spawn { step }.wait()
            precondition(result == step, "a thread returns its own result")
        }
    }
    let counter = Counter()
    try plan.measure("pool spawn, wait for all", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            counter.left = size
            for _ in 0..<size {
                try pool.detach { counter.left -= 1 }
            }
            try pool.waitAll()
            precondition(counter.left == 0, "a pool waits for all its threads")
        }
    }
    let group = GreenGroup<Void>()
    try plan.measure("group of spawned threads", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            counter.left = size
            for _ in 0..<size {
                group.add(spawn { counter.left -= 1 })
            }
            while try group.next() != nil {}
            precondition(counter.left == 0, "a group returns all its threads")
        }
    }
}
