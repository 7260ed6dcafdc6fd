import Figure
import Foundation

/// All figures of a run, as written to the file.
struct Results: Encodable {
    var machine: Machine
    var loadAverageAfter: Double
    var isQuick: Bool
    var rounds: Int
    var micro: [MicroResult]
    var echo: [EchoCell]
    var hubs: [HubResult]
    var tls: TLSResults?
    var bars: [Bar]

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: path))
    }
}

/// A median, and the range of the figures.
struct Spread: Encodable {
    var median: Double
    var low: Double
    var high: Double

    /// Returns nil if there are no figures.
    init?(_ figures: [Double]) {
        guard let low = figures.min(), let high = figures.max() else { return nil }
        self.median = figures.median
        self.low = low
        self.high = high
    }
}
