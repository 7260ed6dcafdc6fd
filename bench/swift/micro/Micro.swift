import ArgumentParser

/// The micro benchmarks through the Swift API. Prints a line of JSON for each figure.
@main
struct Micro: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "green-bench-swift",
        abstract: "Micro benchmarks of Green's Swift API."
    )

    enum Benchmark: String, CaseIterable, ExpressibleByArgument {
        case yield, spawn, detach, sleep, queue, select, semaphore, mutex, pool, map, scope, access, task, bridge

        var run: (Plan) throws -> Void {
            switch self {
            case .yield: benchmarkYield
            case .spawn: benchmarkSpawn
            case .detach: benchmarkDetach
            case .sleep: benchmarkSleep
            case .queue: benchmarkQueue
            case .select: benchmarkSelect
            case .semaphore: benchmarkSemaphore
            case .mutex: benchmarkMutex
            case .pool: benchmarkPool
            case .map: benchmarkMap
            case .scope: benchmarkScope
            case .access: benchmarkAccess
            case .bridge: benchmarkBridge
            case .task: benchmarkTasks
            }
        }
    }

    @Option(help: "Runs of each figure.")
    var runs = 7

    @Flag(help: "Do a tenth of the work.")
    var quick = false

    @Argument(help: "The benchmarks to run. (default: all)")
    var benchmarks: [Benchmark] = Benchmark.allCases

    func validate() throws {
        guard runs > 0 else { throw ValidationError("--runs: expected at least 1") }
    }

    func run() throws {
        for benchmark in benchmarks {
            try benchmark.run(Plan(runs: runs, scale: quick ? 10 : 1))
        }
    }
}
