import Green

/// spawn + wait: a thread made, run, and waited for, with a closure that captures something and returns it.
func benchmarkSpawn(_ plan: Plan) throws {
    try plan.measure("spawn + wait", threads: 1, steps: 1_000_000) { steps in
        for step in 0..<steps {
            let result = try spawn { step }.wait()
            precondition(result == step, "a thread hands out its own result")
        }
    }
}
