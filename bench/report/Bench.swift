import ArgumentParser
import Foundation

/// Runs all benchmarks, prints their tables and writes the figures as JSON.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench/run",
        abstract: "Measures Green beside hand-written peers, in one run, over loopback."
    )

    @Flag(help: "Run three short rounds, as a check. Do not quote the figures.")
    var quick = false

    @Option(help: ArgumentHelp("Measure only this benchmark. Repeatable.", valueName: "name"))
    var only: [Benchmark] = []

    @Option(help: "Number of rounds. Each measures everything once. (default: 5, or 3 with --quick)")
    var runs: Int?

    @Option(help: .hidden)
    var cPrograms = "bench/build"

    @Option(help: .hidden)
    var swiftPrograms = "bench/.build/release"

    @Option(help: "The file for the figures, as JSON.")
    var output = "bench/results.json"

    func validate() throws {
        guard runs.map({ $0 > 0 }) ?? true else { throw ValidationError("--runs: expected at least 1") }
    }

    func run() throws {
        let chosen = only.isEmpty ? Benchmark.allCases : Benchmark.allCases.filter(only.contains)
        let rounds = runs ?? (quick ? 3 : 5)
        let programs = Programs(c: cPrograms, swift: swiftPrograms)
        let machine = Machine.current
        print(machine, terminator: "\n\n")

        let micro = try MicroSuite(programs: programs, isQuick: quick).run(chosen, rounds: rounds)
        let echo = chosen.contains(.echo) ? try EchoSuite(programs: programs, isQuick: quick).run(rounds: rounds) : []
        let hubs = chosen.contains(.hubs) ? try HubSuite(programs: programs, isQuick: quick).run(rounds: rounds) : []
        let tls = chosen.contains(.tls) ? try TLSSuite(programs: programs, isQuick: quick).run(rounds: rounds) : nil
        let bars = Bar.all(micro: micro, echo: echo, tls: tls, chosen: chosen) + hubs.bars
        let loadAfter = Machine.loadAverage

        if !micro.isEmpty { print(table(of: micro), terminator: "\n\n") }
        for cell in echo { print(table(of: cell), terminator: "\n\n") }
        if !hubs.isEmpty { print(table(of: hubs), terminator: "\n\n") }
        for table in tls.map(tables(of:)) ?? [] { print(table, terminator: "\n\n") }
        if !bars.isEmpty { print(table(of: bars), terminator: "\n\n") }
        print(noise(micro: micro, echo: echo, tls: tls, loadBefore: machine.loadAverage, loadAfter: loadAfter))

        let results = Results(
            machine: machine,
            loadAverageAfter: loadAfter,
            isQuick: quick,
            rounds: rounds,
            micro: micro,
            echo: echo,
            hubs: hubs,
            tls: tls,
            bars: bars
        )
        try results.write(to: output)
        print("Figures: \(output)")
    }
}

/// The values of `--only`.
enum Benchmark: String, CaseIterable, ExpressibleByArgument {
    case floor, yield, exceptions, spawn, detach, sleep, timer, timeout, queue, channel, hub, offload, select,
        semaphore, rateLimiter = "rate_limiter",
        mutex, patch, pool, map, scope, file, memory, access, task, bridge, echo, hubs, tls

    /// Whether it measures a single step.
    var isMicro: Bool { self != .echo && self != .hubs && self != .tls }
}
