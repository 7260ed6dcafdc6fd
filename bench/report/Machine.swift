import Foundation

/// The machine of the measurement, which the figures depend on.
struct Machine: Encodable, CustomStringConvertible {
    var processor: String
    var cores: Int
    var memoryGiB: Int
    var kernel: String
    /// The load average of the last minute before the run.
    var loadAverage: Double

    static var current: Machine {
        let info = ProcessInfo.processInfo
        return Machine(
            processor: processor,
            cores: info.processorCount,
            memoryGiB: Int((Double(info.physicalMemory) / Double(1 << 30)).rounded()),
            kernel: "Linux \(text(of: "/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines))",
            loadAverage: loadAverage
        )
    }

    static var loadAverage: Double {
        text(of: "/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? .nan
    }

    var description: String {
        "\(processor), \(cores) cores, \(memoryGiB) GiB, \(kernel); load average before the run \(loadAverage)"
    }

    private static var processor: String {
        let line = text(of: "/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        return name ?? "an unknown processor"
    }

    private static func text(of path: String) -> String {
        (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
    }
}
