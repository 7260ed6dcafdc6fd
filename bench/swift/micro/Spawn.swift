import Green

/// spawn + wait: creates, runs and waits for a thread whose closure captures and returns a value.
func benchmarkSpawn(_ plan: Plan) throws {
    try plan.measure("spawn + wait", threads: 1, steps: 1_000_000) { steps in
        for step in 0..<steps {
            let result = try spawn { step }.wait()
            precondition(result == step, "a thread returns its own result")
        }
    }
}
