import Green

/// bridge: an async function from a green thread, and green code from an async function, with a result that comes at
/// once; beside `await Task { }.value` in the same process. Each kind of Task is measured: on Swift's thread pool, and
/// on a hub.
func benchmarkBridge(_ plan: Plan) throws {
    let steps = 200_000
    let hub = try Hub.current
    try plan.measure("Task + value, on Swift's thread pool", threads: 1, steps: steps) { steps in
        try awaiting(on: globalConcurrentExecutor) { await startTasks(steps, on: globalConcurrentExecutor) }
    }
    try plan.measure("Task + value, on a hub", threads: 1, steps: steps) { steps in
        try awaiting { await startTasks(steps, on: hub) }
    }
    try plan.measure("async from green", threads: 1, steps: steps, awaitResults)
    try plan.measure("async from green, with a timeout", threads: 1, steps: steps, awaitResultsInTime)
    try plan.measure("green from async, on the hub", threads: 1, steps: steps) { steps in
        try awaiting { try await runFunctions(steps, on: hub) }
    }
    let hubs = try HubPool(count: 1)
    let other = hubs[0]
    try plan.measure("green from async, from Swift's thread pool", threads: 1, steps: steps / 10) { steps in
        try awaiting(on: globalConcurrentExecutor) { try await runFunctions(steps, on: other) }
    }
    try hubs.close()
    try measureSleepers(plan)
}

private func startTasks(_ steps: Int, on executor: any TaskExecutor) async {
    for step in 0..<steps {
        let result = await Task(executorPreference: executor) { step }.value
        precondition(result == step, "a Task returns its own result")
    }
}

private func awaitResults(_ steps: Int) throws {
    for step in 0..<steps {
        let result = try awaiting { step }
        precondition(result == step, "a Task returns its own result")
    }
}

private func awaitResultsInTime(_ steps: Int) throws {
    for step in 0..<steps {
        let result = try awaiting(timeout: .seconds(3600)) { step }
        precondition(result == step, "a Task returns its own result")
    }
}

private func runFunctions(_ steps: Int, on hub: Hub) async throws {
    for step in 0..<steps {
        let result = try await hub.run { step }
        precondition(result == step, "a green thread returns its own result")
    }
}

/// 10 000 green threads await a Task each that sleeps for 100 ms: the time until all have ended.
private func measureSleepers(_ plan: Plan) throws {
    let threads = 10_000
    let times = try (0...plan.runs).map { _ in
        try nanoseconds {
            let sleepers = (0..<threads).map { _ in
                spawn { try awaiting { try await Task.sleep(for: .milliseconds(100)) } }
            }
            for sleeper in sleepers {
                try sleeper.wait()
            }
        }
    }
    try plan.report("awaited Tasks that sleep 100 ms", threads: threads, unit: "ms", times.dropFirst().map { $0 / 1e6 })
}
