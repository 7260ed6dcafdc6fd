/// Lines of text in columns: the first is flush left, the others flush right.
struct Table: CustomStringConvertible {
    var title: String
    var header: [String]
    var rows: [[String]]

    var description: String {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }
            return padded.joined(separator: "  ")
        }
        let rule = String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        return ([title, line(header), rule] + rows.map(line)).joined(separator: "\n")
    }
}

extension Double {
    /// With as many decimal digits as are significant.
    var formatted: String {
        switch abs(self) {
        case ..<10: fixed(2)
        case ..<100: fixed(1)
        default: Int(rounded()).formatted
        }
    }

    func fixed(_ digits: Int) -> String {
        guard isFinite else { return "-" }
        let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
        let units = Int((self * Double(scale)).rounded())
        let fraction = String(abs(units) % scale + scale).dropFirst()
        return "\(units < 0 ? "-" : "")\(abs(units) / scale)\(digits > 0 ? "." : "")\(fraction)"
    }
}

extension Int {
    /// In groups of three digits.
    var formatted: String {
        let digits = Array(String(magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[Swift.max($0 - 3, 0)..<$0]) }
        return (self < 0 ? "-" : "") + groups.reversed().joined(separator: " ")
    }
}

extension Spread {
    /// "4.20 (4.11 .. 4.80)"
    var range: String { "\(low.formatted) .. \(high.formatted)" }
}
