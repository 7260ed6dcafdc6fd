import Figure
import Foundation

/// How long to measure, and how.
struct Plan {
    /// How often each figure is measured.
    var runs: Int
    /// Divides the work of a run: 1 normally, more to be quick.
    var scale: Int

    /// Does one run to warm up and then those that count, and prints nanoseconds a step.
    func measure(_ name: String, threads: Int, steps: Int, _ run: (_ steps: Int) throws -> Void) throws {
        let steps = max(steps / scale, 1)
        try run(steps)
        var times: [Double] = []
        for _ in 0..<runs {
            times.append(try nanoseconds { try run(steps) } / Double(steps))
        }
        try report(name, threads: threads, times)
    }

    /// Prints one figure: a line of JSON.
    func report(_ name: String, threads: Int, unit: String = "ns", _ runs: [Double]) throws {
        let figure = Figure(name: name, threads: threads, unit: unit, runs: runs)
        try FileHandle.standardOutput.write(contentsOf: JSONEncoder().encode(figure) + Data("\n".utf8))
    }
}

/// How long the body takes.
func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .nanoseconds(1)
}
