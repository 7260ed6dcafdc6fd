import Green

private final class Counter {
    var left = 0
}

/// pool: a thread made, run and waited for, in a pool of 100 that has room and without one; a hundred threads at a time
/// that a pool or a group waits for.
func benchmarkPool(_ plan: Plan) throws {
    let size = 100
    let pool = GreenPool(size: size)
    try plan.measure("plain spawn + finish", threads: 1, steps: 500_000) { steps in
        for step in 0..<steps {
            let result = try spawn { step }.wait()
            precondition(result == step, "a thread hands out its own result")
        }
    }
    try plan.measure("pool spawn + finish", threads: 1, steps: 500_000) { steps in
        for step in 0..<steps {
            let result = try pool.spawn { step }.wait()
            precondition(result == step, "a thread hands out its own result")
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
            precondition(counter.left == 0, "a group hands out all its threads")
        }
    }
}
