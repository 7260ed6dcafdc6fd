import Figure
import Foundation

/// How long to measure.
struct Plan {
    /// The number of runs of each figure.
    var runs: Int
    /// Divides the work of a run: normally 1, more with `--quick`.
    var scale: Int

    /// Makes a warm-up run and the measured runs, and prints nanoseconds per step.
    func measure(_ name: String, threads: Int, steps: Int, _ run: (_ steps: Int) throws -> Void) throws {
        let steps = max(steps / scale, 1)
        try run(steps)
        var times: [Double] = []
        for _ in 0..<runs {
            times.append(try nanoseconds { try run(steps) } / Double(steps))
        }
        try report(name, threads: threads, times)
    }

    /// Prints one figure as a line of JSON.
    func report(_ name: String, threads: Int, unit: String = "ns", _ runs: [Double]) throws {
        let figure = Figure(name: name, threads: threads, unit: unit, runs: runs)
        try FileHandle.standardOutput.write(contentsOf: JSONEncoder().encode(figure) + Data("\n".utf8))
    }
}

/// Measures the time of the body.
func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .nanoseconds(1)
}
