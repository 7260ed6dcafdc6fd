/// One figure of a micro benchmark: a line of JSON between the program that measures and the one that reports.
public struct Figure: Codable, Sendable {
    /// What was measured, as in "yield".
    public var name: String
    /// How many threads, or timers, there were meanwhile.
    public var threads: Int
    /// "ns" or "bytes", of one step.
    public var unit: String
    /// The median of the runs.
    public var value: Double
    /// All of them, in the order they were made: their spread is the noise.
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
    /// The middle one, or the mean of the middle two. Not a number when there are none.
    public var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
