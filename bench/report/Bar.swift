/// A limit that Green must meet, and the figure of this run.
struct Bar: Encodable {
    var measure: String
    var limit: Double
    var sense = Sense.atMost
    var unit: String
    /// Nil if it was not measured.
    var spread: Spread?

    /// Whether the figure must be at most or at least the limit.
    enum Sense: String, Encodable {
        case atMost = "<="
        case atLeast = ">="
    }

    var isMet: Bool? {
        spread.map { sense == .atMost ? $0.median <= limit : $0.median >= limit }
    }

    private enum CodingKeys: CodingKey {
        case measure, limit, sense, unit, spread, isMet
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(measure, forKey: .measure)
        try container.encode(limit, forKey: .limit)
        try container.encode(sense, forKey: .sense)
        try container.encode(unit, forKey: .unit)
        try container.encode(spread, forKey: .spread)
        try container.encode(isMet, forKey: .isMet)
    }
}

extension Bar {
    /// The bars of the chosen benchmarks.
    static func all(micro: [MicroResult], echo: [EchoCell], tls: TLSResults?, chosen: [Benchmark]) -> [Bar] {
        (ofMicro + ofBridge).filter { chosen.contains($0.benchmark) }.map { $0.bar(micro) }
            + (chosen.contains(.echo) ? ofEcho(echo) : []) + (tls?.bars ?? [])
    }

    /// The figure of a benchmark that a bar limits.
    private struct Micro {
        var benchmark: Benchmark
        var language: MicroResult.Language
        var name: String
        var threads: Int
        var limit: Double
        var unit = "ns"
        /// The figure of the same runs that the bar is a multiple of; nil if it limits the figure itself.
        var base: String?
        /// The language and the number of threads of that figure, if they are others.
        var baseLanguage: MicroResult.Language?
        var baseThreads: Int?

        func bar(_ results: [MicroResult]) -> Bar {
            let result = results.first(language, name, threads: threads)
            let measure = "\(language.rawValue): \(name), n = \(threads.formatted)"
            guard let base else { return Bar(measure: measure, limit: limit, unit: unit, spread: result?.spread) }
            let spread = results.first(baseLanguage ?? language, base, threads: baseThreads ?? threads)
                .flatMap { result?.ratio(to: $0) }
            return Bar(measure: "\(measure), to \(base)", limit: limit, unit: "x", spread: spread)
        }
    }

    private static let million = 1_000_000
    private static let ofMicro = [
        Micro(benchmark: .yield, language: .c, name: "yield", threads: 10, limit: 5),
        Micro(benchmark: .yield, language: .swift, name: "yield", threads: 10, limit: 10),
        Micro(benchmark: .exceptions, language: .c, name: "yield, more with C++", threads: 10, limit: 1),
        Micro(benchmark: .spawn, language: .c, name: "spawn + wait", threads: 1, limit: 60),
        Micro(benchmark: .spawn, language: .swift, name: "spawn + wait", threads: 1, limit: 150),
        Micro(benchmark: .timer, language: .c, name: "timer start + cancel, latest", threads: million, limit: 100),
        Micro(benchmark: .timer, language: .c, name: "timer start + cancel, anywhere", threads: million, limit: 100),
        Micro(benchmark: .timer, language: .c, name: "timer restart of any one", threads: million, limit: 100),
        Micro(benchmark: .queue, language: .c, name: "queue item", threads: 1, limit: 10),
        Micro(benchmark: .queue, language: .swift, name: "queue item", threads: 1, limit: 20),
        Micro(benchmark: .queue, language: .c, name: "rendezvous", threads: 1, limit: 30),
        Micro(benchmark: .queue, language: .swift, name: "rendezvous", threads: 1, limit: 45),
        Micro(
            benchmark: .channel,
            language: .c,
            name: "channel item",
            threads: 1,
            limit: 1.5,
            base: "queue item"
        ),
        Micro(
            benchmark: .channel,
            language: .c,
            name: "channel item, two hubs",
            threads: 2,
            limit: 1,
            base: "Go: channel item, two processors",
            baseLanguage: .go
        ),
        Micro(benchmark: .hub, language: .c, name: "post to a busy hub", threads: 1, limit: 50),
        Micro(
            benchmark: .hub,
            language: .c,
            name: "post to a busy hub: system calls",
            threads: 1,
            limit: 0,
            unit: "calls"
        ),
        Micro(
            benchmark: .hub,
            language: .c,
            name: "ping-pong of two hubs, posts",
            threads: 2,
            limit: 1.3,
            base: "floor: ping-pong"
        ),
        Micro(
            benchmark: .hub,
            language: .c,
            name: "ping-pong of two hubs, channels",
            threads: 2,
            limit: 1.3,
            base: "floor: ping-pong"
        ),
        Micro(
            benchmark: .pool,
            language: .swift,
            name: "pool spawn + finish",
            threads: 1,
            limit: 1.3,
            base: "plain spawn + finish"
        ),
        Micro(benchmark: .patch, language: .c, name: "patched pthread mutex lock, unlock", threads: 1, limit: 25),
        Micro(benchmark: .patch, language: .c, name: "patched pthread_create + join", threads: 1, limit: 300),
        toSpawn(.pool, .c, "group that spawns", limit: 1.2),
        toSpawn(.pool, .c, "scope that spawns", limit: 1.2),
        Micro(benchmark: .pool, language: .swift, name: "scope that spawns", threads: 100, limit: 200),
        toSpawn(.pool, .swift, "group that spawns", limit: 1.2),
        Micro(benchmark: .pool, language: .swift, name: "group that spawns", threads: 100, limit: 200),
        toSpawn(.map, .swift, "map item", limit: 1.3),
        Micro(
            benchmark: .map,
            language: .swift,
            name: "map: resident growth",
            threads: 100,
            limit: 1024 * 1024,
            unit: "bytes"
        ),
        Micro(benchmark: .scope, language: .swift, name: "timeout around a call", threads: 1, limit: 60),
        Micro(
            benchmark: .memory,
            language: .c,
            name: "memory: resident",
            threads: million,
            limit: 4.4 * 1024,
            unit: "bytes"
        ),
        Micro(benchmark: .access, language: .swift, name: "property access", threads: 10_000, limit: 50),
        Micro(benchmark: .task, language: .swift, name: "yield with task-locals, more", threads: 2, limit: 15),
    ]

    /// The bar of a thread among a hundred, as a multiple of one that is spawned and waited for. That is a figure of the
    /// benchmark of pools, in the same rounds.
    private static func toSpawn(
        _ benchmark: Benchmark,
        _ language: MicroResult.Language,
        _ name: String,
        limit: Double
    ) -> Micro {
        Micro(
            benchmark: benchmark,
            language: language,
            name: name,
            threads: 100,
            limit: limit,
            base: "plain spawn + finish",
            baseThreads: 1
        )
    }

    private static let task = "Task + value, on Swift's thread pool"
    private static let taskOnHub = "Task + value, on a hub"
    private static let ofBridge = [
        bridge("async from green", to: task),
        bridge("async from green", to: taskOnHub),
        bridge("green from async, on the hub", to: taskOnHub),
        bridge("green from async, from Swift's thread pool", to: task),
        Micro(
            benchmark: .bridge,
            language: .swift,
            name: "awaited Tasks that sleep 100 ms",
            threads: 10_000,
            limit: 300,
            unit: "ms"
        ),
    ]

    private static func bridge(_ name: String, to base: String) -> Micro {
        Micro(benchmark: .bridge, language: .swift, name: name, threads: 1, limit: 3, base: base)
    }

    /// Ratios to the callback io_uring server, or on epoll to the epoll server; median of the rounds.
    private static func ofEcho(_ cells: [EchoCell]) -> [Bar] {
        let limits: [(server: EchoServer, cpu: Double)] = [
            (.green, 1.05), (.greenInPlace, 1.05), (.greenSwift, 1.10), (.greenSwiftInPlace, 1.10),
        ]
        var bars: [Bar] = []
        for cell in cells where cell.size == 64 && cell.connections > 1 {
            for limit in limits {
                bars.append(bar(limit.server, in: cell, \.serverCpuNsPerMessage, "CPU per message", limit.cpu))
            }
            let epoll = cell.results.first { $0.server == .epoll }
            let name = "CPU per message, to \(EchoServer.epoll.rawValue)"
            bars.append(bar(.greenEpoll, in: cell, \.serverCpuNsPerMessage, name, 1.10, to: epoll))
        }
        for cell in cells where cell.size == 64 && cell.connections == 1000 {
            for limit in limits {
                bars.append(bar(limit.server, in: cell, \.p999Ns, "p99.9", 1.5))
            }
        }
        return bars
    }

    private static func bar(
        _ server: EchoServer,
        in cell: EchoCell,
        _ figure: KeyPath<EchoRun, Double>,
        _ name: String,
        _ limit: Double,
        to peer: EchoResult? = nil
    ) -> Bar {
        let result = cell.results.first { $0.server == server }
        let measure = "\(server.rawValue): echo of \(cell.size) B, connections: \(cell.connections.formatted), \(name)"
        let spread = (peer ?? cell.reference).flatMap { result?.ratio(figure, to: $0) }
        return Bar(measure: measure, limit: limit, unit: "x", spread: spread)
    }
}
