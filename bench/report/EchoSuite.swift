import Figure
import Foundation

/// What the load program measured in one run against one server.
struct EchoRun: Codable {
    var messagesPerSecond: Double
    var serverCpuNsPerMessage: Double
    var p50Ns: Double
    var p99Ns: Double
    var p999Ns: Double
    var serverRssKib: Double
}

/// All rounds of one server, for one size of messages and one number of connections.
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

/// All servers, for one size of messages and one number of connections.
struct EchoCell: Encodable {
    var size: Int
    var connections: Int
    var results: [EchoResult]

    /// The callback io_uring server that took less processor time: of the two ways to receive, the harder one to
    /// stand beside.
    var reference: EchoResult? {
        results.filter(\.server.isReference).min {
            $0.median(\.serverCpuNsPerMessage) < $1.median(\.serverCpuNsPerMessage)
        }
    }
}

/// The servers, in the order in which they take turns.
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
            // As much memory to receive into as a hub of Green has, in pieces as large as the one-shot's buffers.
            [programs.uringEcho, "--recv", "multishot", "--send", "ring", "--ring-buffer", "16384"]
                + ["--ring-buffers", "256"]
        case .epoll: [programs.epollEcho]
        }
    }
}

/// Measures the echo servers against each other: all of them in turn, round by round, so that whatever else slows the
/// machine down for a while slows each of them down.
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
        guard let port = line.split(separator: ":").last else { throw BenchError("\(server.rawValue) said: \(line)") }
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
