import Green

private let batch = 1024

/// select: takes an item by a select over four queues, one of which has items, beside a plain get of the same queue.
/// The puts are not measured.
func benchmarkSelect(_ plan: Plan) throws {
    let (a, b, c, d) = (Queue<Int>(), Queue<Int>(), Queue<Int>(), Queue<Int>())
    try measureDrains(plan, "queue get", of: a) { try a.get() }
    try measureDrains(plan, "select of 4 queues, one ready", of: a) {
        try select {
            When.get(a) { $0 }
            When.get(b) { $0 }
            When.get(c) { $0 }
            When.get(d) { $0 }
        }
    }
}

@inline(__always)
private func measureDrains(_ plan: Plan, _ name: String, of queue: Queue<Int>, _ take: () throws -> Int) throws {
    let batches = max(4096 / plan.scale, 1)
    var times: [Double] = []
    for _ in 0...plan.runs {
        var time = 0.0
        for _ in 0..<batches {
            for item in 0..<batch {
                try queue.put(item)
            }
            var sum = 0
            time += try nanoseconds {
                for _ in 0..<batch {
                    sum += try take()
                }
            }
            precondition(sum == batch * (batch - 1) / 2, "each item arrives once")
        }
        times.append(time / Double(batches * batch))
    }
    try plan.report(name, threads: 1, Array(times.dropFirst()))
}
