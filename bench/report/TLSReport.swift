/// The tables for TLS.
func tables(of results: TLSResults) -> [Table] {
    [
        bulkTable(of: results), handshakeTable(of: results), messageTable(of: results),
        responseTable(of: results), idleTable(of: results),
    ]
}

private func bulkTable(of results: TLSResults) -> Table {
    let speed = Spread(results.speed[Core.measured.rawValue])
    let title =
        "TLS 1.3, AES-128-GCM, 16 KiB at a time. GB per CPU second of one side; openssl speed: "
        + "\(speed?.median.formatted ?? "-") (\(speed?.range ?? "-"))"
    func cells(_ ratio: Spread?) -> [String] {
        [ratio?.median.fixed(3) ?? "-", ratio?.range ?? "-"]
    }
    return Table(
        title: title,
        header: [
            "", "GB/CPU s", "low .. high", "GB/s", "to speed", "low .. high", "to floor", "low .. high", "to OpenSSL",
            "low .. high",
        ],
        rows: results.bulk.map { bulk in
            let speeds = Spread(bulk.speeds)
            let wall = Spread(bulk.rounds.map { $0.count / $0.wallNs })
            return [
                bulk.name, speeds?.median.fixed(3) ?? "-", speeds?.range ?? "-", wall?.median.formatted ?? "-",
            ]
                + cells(bulk.isEncrypted ? results.ratioToSpeed(bulk) : nil)
                + cells(bulk.isEncrypted ? results.ratioToFloor(bulk) : nil)
                + cells(bulk.program == .green ? results.ratioToPeer(bulk) : nil)
        }
    )
}

private func handshakeTable(of results: TLSResults) -> Table {
    Table(
        title: "TLS 1.3 handshakes, a request and a response of 145 bytes. Per CPU second of the server",
        header: ["", "per CPU s", "low .. high", "to s_server", "low .. high"],
        rows: results.handshakes.map { handshakes in
            let spread = Spread(handshakes.perCPUSecond)
            let ratio = results.ratioToServer(handshakes)
            return [
                handshakes.name, spread?.median.formatted ?? "-", spread?.range ?? "-",
                ratio?.median.fixed(3) ?? "-", ratio?.range ?? "-",
            ]
        }
    )
}

private func messageTable(of results: TLSResults) -> Table {
    let plain = results.messages.first { $0.kind == .plain }
    return Table(
        title: "Echo of 100 B, connections: 64. CPU ns of the server for each",
        header: ["", "CPU ns/msg", "low .. high", "to plain", "low .. high"],
        rows: results.messages.map { messages in
            let spread = Spread(messages.rounds.map(\.cpuNsEach))
            let ratio = plain.flatMap { plain in
                Spread(zip(messages.rounds, plain.rounds).map { $0.cpuNsEach / $1.cpuNsEach })
            }
            return [
                messages.kind.rawValue, spread?.median.formatted ?? "-", spread?.range ?? "-",
                ratio?.median.formatted ?? "-", ratio?.range ?? "-",
            ]
        }
    )
}

private func responseTable(of results: TLSResults) -> Table {
    Table(
        title: "A response of 100 B in three pieces",
        header: ["", "records", "sends", "system calls"],
        rows: results.responses.map { responses in
            [
                responses.isApart ? "three writes" : "gathered",
                responses.counts?.records.formatted ?? "-", responses.counts?.sends.formatted ?? "-",
                responses.counts?.systemCalls.formatted ?? "-",
            ]
        }
    )
}

private func idleTable(of results: TLSResults) -> Table {
    Table(
        title: "2 000 idle connections: growth of the server's resident memory, for each",
        header: ["", "bytes", "stack", "beyond the stack"],
        rows: results.idle.map { idle in
            [
                idle.isEncrypted ? "TLS" : "plain",
                idle.memory?.residentBytes.formatted ?? "-", idle.memory?.stackBytes.formatted ?? "-",
                idle.memory?.bytesBeyondStack.formatted ?? "-",
            ]
        }
    )
}

extension TLSIdle.Memory {
    var bytesBeyondStack: Double { residentBytes - stackBytes }
}

extension TLSResults {
    /// The limits that Green must meet.
    var bars: [Bar] {
        var bars: [Bar] = []
        for bulk in bulk where bulk.program == .green && bulk.isEncrypted {
            let name = "TLS bulk, \(bulk.side.rawValue), to"
            bars.append(Bar.atLeast(0.7, "\(name) openssl speed", ratioToSpeed(bulk)))
            bars.append(Bar.atLeast(1, "\(name) OpenSSL on a blocking socket", ratioToPeer(bulk)))
        }
        for handshakes in handshakes where handshakes.program == .green {
            let kind = "\(handshakes.key.rawValue), \(handshakes.isResumed ? "resumed" : "full")"
            bars.append(Bar.atLeast(1, "TLS handshakes, \(kind), to openssl s_server", ratioToServer(handshakes)))
        }
        let counts = responses.first { !$0.isApart }?.counts
        bars.append(Bar.atMost(1, "records", "TLS response of 100 B in three pieces", counts?.records))
        bars.append(Bar.atMost(1, "sends", "TLS response of 100 B in three pieces", counts?.sends))
        let memory = idle.first(where: \.isEncrypted)?.memory?.bytesBeyondStack
        bars.append(Bar.atMost(24 * 1024, "bytes", "TLS: idle connection, beyond its stack", memory))
        return bars
    }

    /// The noise: the difference between figures that should be equal.
    var noise: [String] {
        let cores = [Core.measured, .load].compactMap { core in
            Spread(speed[core.rawValue]).map { "\($0.range) on core \(core.rawValue)" }
        }
        let sender = bulk.first { $0.side == .sender && $0.program == .openssl && $0.isEncrypted }
        let spread = sender.flatMap { Spread($0.speeds) }
        return [
            "openssl speed, GB per CPU second: \(cores.joined(separator: ", ")).",
            "OpenSSL alone sent \(spread?.range ?? "-") GB per CPU second.",
        ]
    }
}

extension Bar {
    fileprivate static func atLeast(_ limit: Double, _ measure: String, _ spread: Spread?) -> Bar {
        Bar(measure: measure, limit: limit, sense: .atLeast, unit: "x", spread: spread)
    }

    fileprivate static func atMost(_ limit: Double, _ unit: String, _ measure: String, _ figure: Double?) -> Bar {
        Bar(measure: measure, limit: limit, unit: unit, spread: Spread(figure.map { [$0] } ?? []))
    }
}
