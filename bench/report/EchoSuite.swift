import Figure
import Foundation

/// The figures of the load generator in one run against one server.
struct EchoRun: Codable {
    var messagesPerSecond: Double
    var serverCpuNsPerMessage: Double
    var p50Ns: Double
    var p99Ns: Double
    var p999Ns: Double
    var serverRssKib: Double
}

/// All rounds of one server, for one message size and one number of connections.
struct EchoResult: Encodable {
    var server: EchoServer
    var rounds: [EchoRun]

    /// The median of one figure over the rounds.
    func median(_ figure: KeyPath<EchoRun, Double>) -> Double {
        rounds.map { $0[keyPath: figure] }.median
    }

    /// One figure as a multiple of another server's in the same round.
    func ratio(_ figure: KeyPath<EchoRun, Double>, to other: EchoResult) -> Spread? {
        Spread(zip(rounds, other.rounds).map { $0[keyPath: figure] / $1[keyPath: figure] })
    }
}

/// All servers, for one message size and one number of connections.
struct EchoCell: Encodable {
    var size: Int
    var connections: Int
    var results: [EchoResult]

    /// The callback io_uring server that took less CPU time: the better one of the two ways to receive.
    var reference: EchoResult? {
        results.filter(\.server.isReference).min {
            $0.median(\.serverCpuNsPerMessage) < $1.median(\.serverCpuNsPerMessage)
        }
    }
}

/// The servers, in the order of measurement.
enum EchoServer: String, CaseIterable, Encodable {
    case green = "Green C"
    case greenInPlace = "Green C, in place"
    case greenSwift = "Green Swift"
    case greenSwiftInPlace = "Green Swift, in place"
    case greenEpoll = "Green C on epoll"
    case uringOneShot = "callback io_uring, one-shot"
    case uringMultishot = "callback io_uring, multishot"
    case epoll = "epoll"

    var isReference: Bool { self == .uringOneShot || self == .uringMultishot }

    func command(_ programs: Programs) -> [String] {
        switch self {
        case .green: [programs.echo]
        case .greenInPlace: [programs.echo, "--in-place"]
        case .greenSwift: [programs.swiftEcho]
        case .greenSwiftInPlace: [programs.swiftEcho, "--in-place"]
        case .greenEpoll: ["/usr/bin/env", "GREEN_ENGINE=epoll", programs.echo]
        case .uringOneShot: [programs.uringEcho, "--recv", "pollfirst", "--send", "ring"]
        case .uringMultishot:
            // As much receive memory as a hub of Green has, in buffers as large as those of the one-shot server.
            [programs.uringEcho, "--recv", "multishot", "--send", "ring", "--ring-buffer", "16384"]
                + ["--ring-buffers", "256"]
        case .epoll: [programs.epollEcho]
        }
    }
}

/// Measures all echo servers once per round, one after the other, so that a machine that slows down for a while slows
/// down all of them.
struct EchoSuite {
    var programs: Programs
    var isQuick: Bool

    func run(rounds: Int) throws -> [EchoCell] {
        var cells: [EchoCell] = []
        for size in [64, 16 * 1024] {
            for connections in [1, 64, 1000] {
                cells.append(try measure(size: size, connections: connections, rounds: rounds))
            }
        }
        return cells
    }

    private func measure(size: Int, connections: Int, rounds: Int) throws -> EchoCell {
        var results = EchoServer.allCases.map { EchoResult(server: $0, rounds: []) }
        for round in 1...rounds {
            progress("round \(round) of \(rounds): echo of \(size) B, connections: \(connections)")
            for index in results.indices {
                let run = try measure(results[index].server, size: size, connections: connections)
                results[index].rounds.append(run)
            }
        }
        return EchoCell(size: size, connections: connections, results: results)
    }

    private func measure(_ server: EchoServer, size: Int, connections: Int) throws -> EchoRun {
        let child = try Child(server.command(programs), on: .measured)
        defer { child.stop() }
        let line = try child.firstLine()
        guard let port = line.split(separator: ":").last else {
            throw BenchError("\(server.rawValue) printed: \(line)")
        }
        let load = [
            programs.load, "--port", "\(port)", "--pid", "\(child.identifier)",
            "--size", "\(size)", "--connections", "\(connections)",
            "--warmup", isQuick ? "0.2" : "0.3", "--seconds", isQuick ? "0.4" : "1",
        ]
        let report = try Child(bounded(load), on: .load).finish()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(EchoRun.self, from: Data(report.utf8))
    }
}
