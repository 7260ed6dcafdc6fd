/// The patched calls of each object, with the number of patched places.
public struct PatchReport: Hashable, Sendable {
    /// A call in an object.
    public struct Line: Hashable, Sendable {
        /// The path of the library or the program.
        public let object: String
        /// The name of the call, such as `recv`.
        public let symbol: String
        /// The number of slots through which the object makes the call.
        public let count: Int
    }

    /// The lines, grouped by object.
    public let lines: [Line]
}

extension PatchReport: CustomStringConvertible {
    /// One line of text for each object, with its path and its calls.
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
