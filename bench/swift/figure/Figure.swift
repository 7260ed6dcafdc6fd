/// One figure of a micro benchmark, passed as a line of JSON from the measuring program to the report.
public struct Figure: Codable, Sendable {
    /// The name of the figure, for example "yield".
    public var name: String
    /// The number of threads or timers.
    public var threads: Int
    /// The unit for one step: "ns" or "bytes".
    public var unit: String
    /// The median of the runs.
    public var value: Double
    /// The figures of all runs in order. Their spread is the noise.
    public var runs: [Double]

    public init(name: String, threads: Int, unit: String, runs: [Double]) {
        self.name = name
        self.threads = threads
        self.unit = unit
        self.value = runs.median
        self.runs = runs
    }
}

extension [Double] {
    /// The middle figure, or the mean of the middle two. NaN if there are none.
    public var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
