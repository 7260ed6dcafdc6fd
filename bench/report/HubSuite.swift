import Figure
import Foundation

/// A server on all hubs of a pool beside the same on one hub: messages a second of a handler that computes.
struct HubResult: Encodable {
    var hubs: Int
    var connections: Int
    var workMicroseconds: Int
    var rounds: [EchoRun]

    /// The rate as a multiple of that of another number of hubs, round by round.
    func ratio(to other: HubResult) -> Spread? {
        Spread(zip(rounds, other.rounds).map { $0.messagesPerSecond / $1.messagesPerSecond })
    }
}

/// Measures one hub and two hubs in turn. The server and the load generator share both cores, so the load takes a part of
/// what two hubs can do.
struct HubSuite {
    var programs: Programs
    var isQuick: Bool

    private let connections = 64
    private let workMicroseconds = 50

    func run(rounds: Int) throws -> [HubResult] {
        var results = [1, 2].map {
            HubResult(hubs: $0, connections: connections, workMicroseconds: workMicroseconds, rounds: [])
        }
        for round in 1...rounds {
            progress("round \(round) of \(rounds): handlers that compute, on one hub and on two")
            for index in results.indices {
                results[index].rounds.append(try measure(hubs: results[index].hubs))
            }
        }
        return results
    }

    private func measure(hubs: Int) throws -> EchoRun {
        let child = try Child([programs.hubs, "--hubs", "\(hubs)"], on: nil, hasInput: true)
        defer { child.stop() }
        let address = try child.address()
        guard let port = address.split(separator: ":").last else { throw BenchError("no port in \(address)") }
        let load = [
            programs.load, "--port", "\(port)", "--pid", "\(child.identifier)", "--connections", "\(connections)",
            "--work", "\(workMicroseconds)", "--warmup", "0.3", "--seconds", isQuick ? "1" : "2",
        ]
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(EchoRun.self, from: Data(try Child(bounded(load), on: nil).finish().utf8))
    }
}

extension [HubResult] {
    /// The bar: two hubs to one.
    var bars: [Bar] {
        guard let one = first(where: { $0.hubs == 1 }), let two = first(where: { $0.hubs == 2 }) else { return [] }
        let measure = "Green C: a handler of \(two.workMicroseconds) us, connections: \(two.connections), 2 hubs to 1"
        return [Bar(measure: measure, limit: 1.9, sense: .atLeast, unit: "x", spread: two.ratio(to: one))]
    }
}

func table(of results: [HubResult]) -> Table {
    Table(
        title: "A handler that computes, on several hubs",
        header: ["hubs", "connections", "work us", "msg/s", "CPU ns/msg", "p50 us", "p99 us"],
        rows: results.map { result in
            let median = { (figure: KeyPath<EchoRun, Double>) in result.rounds.map { $0[keyPath: figure] }.median }
            return [
                "\(result.hubs)", result.connections.formatted, result.workMicroseconds.formatted,
                median(\.messagesPerSecond).formatted, median(\.serverCpuNsPerMessage).formatted,
                (median(\.p50Ns) / 1000).formatted, (median(\.p99Ns) / 1000).formatted,
            ]
        }
    )
}
