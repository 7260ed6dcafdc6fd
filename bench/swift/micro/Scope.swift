import Green

/// scope: what a timeout costs around a call that does not block, alone and within another one, as those of a request
/// are within that of its session.
func benchmarkScope(_ plan: Plan) throws {
    try plan.measure("timeout around a call", threads: 1, steps: 5_000_000, timeouts)
    try plan.measure("timeout around a call", threads: 2, steps: 5_000_000) { steps in
        try withTimeout(.seconds(3600)) { try timeouts(steps) }
    }
}

private func timeouts(_ steps: Int) throws {
    for step in 0..<steps {
        let result = try withTimeout(.seconds(60)) { call(step) }
        precondition(result == step, "a timeout hands the result out")
    }
}

@inline(never)
private func call(_ step: Int) -> Int {
    step
}
