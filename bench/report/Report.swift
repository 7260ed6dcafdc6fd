/// The tables of a run.
func table(of results: [MicroResult]) -> Table {
    let floor = results.floor?.spread.median
    return Table(
        title: "One step with n threads or timers: median and low .. high of all runs; multiple of a bare switch of 10",
        header: ["", "", "n", "", "median", "low .. high", "x switch"],
        rows: results.map { result in
            let multiple = result.unit == "ns" ? floor.map { (result.spread.median / $0).formatted } : nil
            return [
                result.name, result.language.rawValue, result.threads.formatted, result.unit,
                result.spread.median.formatted, result.spread.range, multiple ?? "",
            ]
        }
    )
}

func table(of cell: EchoCell) -> Table {
    let reference = cell.reference
    let name = reference?.server.rawValue ?? ""
    return Table(
        title: "Echo of \(cell.size.formatted) B, connections: \(cell.connections.formatted). "
            + "Ratios are to \(name), round by round",
        header: [
            "", "CPU ns/msg", "ratio", "low .. high", "msg/s", "p50 us", "p99 us", "p99.9 us", "ratio", "low .. high",
        ],
        rows: cell.results.map { result in
            let cpu = reference.flatMap { result.ratio(\.serverCpuNsPerMessage, to: $0) }
            let tail = reference.flatMap { result.ratio(\.p999Ns, to: $0) }
            return [
                result.server.rawValue,
                result.median(\.serverCpuNsPerMessage).formatted,
                cpu?.median.fixed(3) ?? "-", cpu.map { "\($0.low.fixed(2)) .. \($0.high.fixed(2))" } ?? "-",
                result.median(\.messagesPerSecond).formatted,
                (result.median(\.p50Ns) / 1000).formatted,
                (result.median(\.p99Ns) / 1000).formatted,
                (result.median(\.p999Ns) / 1000).formatted,
                tail?.median.formatted ?? "-", tail?.range ?? "-",
            ]
        }
    )
}

func table(of bars: [Bar]) -> Table {
    Table(
        title: "Bars",
        header: ["", "bar", "measured", "low .. high", ""],
        rows: bars.map { bar in
            [
                bar.measure, "\(bar.sense.rawValue) \(bar.limit.formatted) \(bar.unit)",
                bar.spread?.median.formatted ?? "-",
                bar.spread?.range ?? "-", bar.isMet.map { $0 ? "met" : "NOT MET" } ?? "not measured",
            ]
        }
    )
}

/// The noise: the difference between figures that should be equal. A smaller difference means nothing.
func noise(micro: [MicroResult], echo: [EchoCell], tls: TLSResults?, loadBefore: Double, loadAfter: Double) -> String {
    var lines = ["Noise: load average \(loadBefore.formatted) before and \(loadAfter.formatted) after the run."]
    if let floor = micro.floor?.spread {
        lines.append("A bare switch took \(floor.range) ns.")
    }
    for cell in echo {
        guard let reference = cell.reference,
            let spread = Spread(reference.rounds.map(\.serverCpuNsPerMessage))
        else { continue }
        let percent = (100 * (spread.high - spread.low) / spread.median).fixed(0)
        lines.append(
            "Echo of \(cell.size.formatted) B, connections: \(cell.connections.formatted): "
                + "\(reference.server.rawValue) alone took \(spread.range) ns a message, which is \(percent) %."
        )
    }
    lines += tls?.noise ?? []
    return lines.joined(separator: "\n")
}
