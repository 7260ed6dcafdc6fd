import Green

/// scope: the cost of a timeout around a call that does not block, alone and within another timeout, as for a request
/// within a session.
func benchmarkScope(_ plan: Plan) throws {
    try plan.measure("timeout around a call", threads: 1, steps: 5_000_000, timeouts)
    try plan.measure("timeout around a call", threads: 2, steps: 5_000_000) { steps in
        try withTimeout(.seconds(3600)) { try timeouts(steps) }
    }
}

private func timeouts(_ steps: Int) throws {
    for step in 0..<steps {
        let result = try withTimeout(.seconds(60)) { call(step) }
        precondition(result == step, "a timeout returns the result of its body")
    }
}

@inline(never)
private func call(_ step: Int) -> Int {
    step
}
