extension StringProtocol {
    /// The text with escapes in place of characters that could mislead a terminal or the reader of a log: control
    /// characters except tab, line separators, and characters that change the direction of text.
    public var printable: String {
        if utf8.allSatisfy({ 0x20...0x7E ~= $0 || $0 == 0x09 }) {
            return String(self)
        }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isMisleading {
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isMisleading: Bool {
        switch value {
        case 0x09: false
        // C0, DEL and C1.
        case 0x00...0x1F, 0x7F...0x9F: true
        // Line and paragraph separators.
        case 0x2028, 0x2029: true
        // Bidirectional controls.
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
