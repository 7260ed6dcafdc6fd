import Green

private final class Counter {
    var left = 0
}

/// pool: creates, runs and waits for a thread, in a pool of 100 with room and without a pool; lets a pool, a group, a
/// scope, an array or a pile wait for a hundred threads at a time, and takes their results.
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
    let group = GreenGroup<Int>()
    func takeAll() throws {
        var sum = 0
        while let thread = try group.next() {
            sum += try thread.wait()
        }
        precondition(sum == size * (size - 1) / 2, "a group returns all its threads")
    }
    try plan.measure("group of spawned threads", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            for child in 0..<size {
                group.add(spawn { child })
            }
            try takeAll()
        }
    }
    try plan.measure("group that spawns", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            for child in 0..<size {
                group.spawn { child }
            }
            try takeAll()
        }
    }
    try plan.measure("scope that spawns", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            let results = try withGreenGroup(of: Int.self) { group in
                for child in 0..<size {
                    group.spawn { child }
                }
                return try group.results()
            }
            precondition(results.last == size - 1, "the results are in the order of the spawns")
        }
    }
    try plan.measure("wait for all threads of an array", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            let results = try GreenThread.wait(all: (0..<size).map { child in spawn { child } })
            precondition(results.last == size - 1, "the results are in the order of the array")
        }
    }
    let pile = GreenPile<Int>(pool)
    try plan.measure("pile", threads: size, steps: 500_000) { steps in
        for _ in 0..<steps / size {
            for child in 0..<size {
                try pile.spawn { child }
            }
            for child in 0..<size {
                let result = try pile.next()
                precondition(result == child, "a pile returns the results in order")
            }
        }
    }
}
