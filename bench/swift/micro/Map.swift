import Foundation
import Green

/// map: a million items through a map of a pool of 100, and the growth of the process. The memory of a map must not
/// depend on the number of items; so the first thousand, which fill the pool, are not measured.
func benchmarkMap(_ plan: Plan) throws {
    let (size, items, first) = (100, 1_000_000 / plan.scale, 1000)
    let pool = GreenPool(size: size)
    var times: [Double] = []
    var growth: [Double] = []
    for _ in 0..<plan.runs {
        let results = pool.map(0..<items) { item in item &* 3 }
        func take(_ range: Range<Int>) throws {
            for item in range {
                let result = try results.next()
                precondition(result == item &* 3, "results come in the order of the items")
            }
        }
        try take(0..<first)
        let before = try residentBytes()
        times.append(try nanoseconds { try take(first..<items) } / Double(items - first))
        growth.append(try residentBytes() - before)
        let end = try results.next()
        precondition(end == nil, "a map ends with its input")
    }
    try plan.report("map item", threads: size, times)
    try plan.report("map: resident growth", threads: size, unit: "bytes", growth)
}

/// The resident memory of this process, counted exactly. /proc/self/status sums counters of each processor, and may be
/// off by the pages that these may hold back.
private func residentBytes() throws -> Double {
    let text = try String(contentsOf: URL(filePath: "/proc/self/smaps_rollup"), encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("Rss:") }
    guard let kib = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
        throw CocoaError(.fileReadCorruptFile)
    }
    return kib * 1024
}
