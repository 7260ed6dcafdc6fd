/// What was patched: in which object which call, and at how many places.
public struct PatchReport: Hashable, Sendable {
    /// One call in one object.
    public struct Line: Hashable, Sendable {
        /// The path of the library, or of the program.
        public let object: String
        /// The call, as in `recv`.
        public let symbol: String
        /// Through how many slots the object makes the call.
        public let count: Int
    }

    /// Grouped by object.
    public let lines: [Line]
}

extension PatchReport: CustomStringConvertible {
    /// A line of text for each object: its path and its calls.
    public var description: String {
        var text: [String] = []
        var last: String?
        for line in lines {
            if line.object == last {
                text[text.count - 1] += " \(line.symbol)"
            } else {
                text.append("\(line.object): \(line.symbol)")
                last = line.object
            }
        }
        return text.joined(separator: "\n")
    }
}
