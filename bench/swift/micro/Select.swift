import Green

private let queueCount = 4
private let batch = 1024

/// select: takes an item by a select over four queues, of which one has items, beside a plain get of the same queue. The
/// puts are not measured.
func benchmarkSelect(_ plan: Plan) throws {
    try measureDrains(plan, "queue get") { queues, index in
        try queues[index].get()
    }
    try measureDrains(plan, "select of 4 queues, one ready") { queues, _ in
        try select {
            When.get(queues[0]) { $0 }
            When.get(queues[1]) { $0 }
            When.get(queues[2]) { $0 }
            When.get(queues[3]) { $0 }
        }
    }
}

@inline(__always)
private func measureDrains(
    _ plan: Plan,
    _ name: String,
    _ take: (_ queues: [Queue<Int>], _ ready: Int) throws -> Int
) throws {
    let queues = (0..<queueCount).map { _ in Queue<Int>() }
    let batches = max(4096 / plan.scale, 1)
    var times: [Double] = []
    for _ in 0...plan.runs {
        var time = 0.0
        for number in 0..<batches {
            let ready = number % queueCount
            for item in 0..<batch {
                try queues[ready].put(item)
            }
            var sum = 0
            time += try nanoseconds {
                for _ in 0..<batch {
                    sum += try take(queues, ready)
                }
            }
            precondition(sum == batch * (batch - 1) / 2, "each item arrives once")
        }
        times.append(time / Double(batches * batch))
    }
    try plan.report(name, threads: 1, Array(times.dropFirst()))
}
