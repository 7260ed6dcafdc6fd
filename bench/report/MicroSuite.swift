import Figure
import Foundation

/// One figure of all rounds.
struct MicroResult: Encodable {
    enum Language: String, Encodable {
        case c = "C"
        case swift = "Swift"
        case go = "Go"
    }

    var language: Language
    var name: String
    var threads: Int
    var unit: String
    var runs: [Double]
    var spread: Spread

    /// Its runs as multiples of those of another figure from the same rounds.
    func ratio(to other: MicroResult) -> Spread? {
        Spread(zip(runs, other.runs).map { $0 / $1 })
    }
}

/// Runs the micro benchmarks, C and Swift in turn, each in its own process. So no benchmark profits from what another
/// one leaves behind, such as warm stacks, and the memory layout varies.
struct MicroSuite {
    var programs: Programs
    var isQuick: Bool

    /// The benchmarks that each side has.
    private let ofC: [Benchmark] = [
        .floor, .yield, .exceptions, .spawn, .detach, .sleep, .timer, .timeout, .queue, .channel, .hub, .offload,
        .select, .semaphore, .rateLimiter, .mutex, .patch, .pool, .scope, .file, .memory,
    ]
    private let ofSwift: [Benchmark] = [
        .yield, .spawn, .detach, .sleep, .queue, .select, .semaphore, .mutex, .pool, .map, .scope, .access, .task,
        .bridge,
    ]

    func run(_ chosen: [Benchmark], rounds: Int) throws -> [MicroResult] {
        // All figures that are shown as multiples of the floor need it.
        let chosen = chosen.contains(where: \.isMicro) ? [.floor] + chosen.filter { $0 != .floor } : []
        var results: [MicroResult] = []
        for round in 1...rounds {
            for benchmark in chosen where benchmark.isMicro {
                // The memory of a million threads hardly varies, and takes long to measure.
                if benchmark == .memory, round > 1 { continue }
                progress("round \(round) of \(rounds): \(benchmark)")
                if ofC.contains(benchmark) {
                    add(try measure(programs.micro, benchmark), .c, to: &results)
                }
                if benchmark == .channel, programs.hasGoChannel {
                    add(try measureGo(), .go, to: &results)
                }
                if ofSwift.contains(benchmark) {
                    add(try measure(programs.swiftMicro, benchmark), .swift, to: &results)
                }
            }
        }
        return results
    }

    private func measure(_ program: String, _ benchmark: Benchmark) throws -> [Figure] {
        let options = ["--runs", isQuick ? "3" : "5"] + (isQuick ? ["--quick"] : [])
        // Swift's thread pool and two hubs take part in it.
        let core: Core? = benchmark == .bridge ? nil : .measured
        let lines = try Child(bounded([program] + options + [benchmark.rawValue]), on: core).finish()
        return try lines.split(separator: "\n").map { try JSONDecoder().decode(Figure.self, from: Data($0.utf8)) }
    }

    /// Go uses both cores itself.
    private func measureGo() throws -> [Figure] {
        let lines = try Child(bounded([programs.goChannel]), on: nil).finish()
        return try lines.split(separator: "\n").map { try JSONDecoder().decode(Figure.self, from: Data($0.utf8)) }
    }

    private func add(_ figures: [Figure], _ language: MicroResult.Language, to results: inout [MicroResult]) {
        for figure in figures {
            let known = results.firstIndex {
                $0.language == language && $0.name == figure.name && $0.threads == figure.threads
            }
            let runs = (known.map { results[$0].runs } ?? []) + figure.runs
            guard let spread = Spread(runs) else { continue }
            if let known {
                results[known].runs = runs
                results[known].spread = spread
            } else {
                results.append(
                    MicroResult(
                        language: language,
                        name: figure.name,
                        threads: figure.threads,
                        unit: figure.unit,
                        runs: runs,
                        spread: spread
                    )
                )
            }
        }
    }
}

extension [MicroResult] {
    func first(_ language: MicroResult.Language, _ name: String, threads: Int) -> MicroResult? {
        first { $0.language == language && $0.name == name && $0.threads == threads }
    }

    /// The cost of a bare switch on this machine.
    var floor: MicroResult? { first(.c, "floor: switch", threads: 10) }
}
