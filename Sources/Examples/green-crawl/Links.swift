/// The links on a page: the references of its <a> and <area> elements.
///
/// This is a scan and no parser of HTML. It knows tags, attributes with and without quotes, and comments, and takes
/// everything else for text.
struct Links {
    private let bytes: [UInt8]
    private var position = 0

    /// Finds the links of a page, in order and without those that lead nowhere over plain HTTP.
    static func find(in bytes: [UInt8], at page: URL) -> [URL] {
        var scan = Links(bytes: bytes)
        var base = page
        var links: [URL] = []
        while let tag = scan.nextTag() {
            guard let reference = tag.reference else { continue }
            let target = try? base.resolving(reference)
            if tag.name == "base" {
                base = target ?? base
            } else if let target, tag.name == "a" || tag.name == "area" {
                links.append(target)
            }
        }
        return links
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next beginning of an element, and its href.
    private mutating func nextTag() -> (name: String, reference: String?)? {
        while let start = bytes[position...].firstIndex(of: UInt8(ascii: "<")) {
            position = start + 1
            if bytes[position...].starts(with: "!--".utf8) {
                skipComment()
                continue
            }
            let name = takeName()
            if !name.isEmpty {
                return (name, takeReference())
            }
        }
        return nil
    }

    private mutating func skipComment() {
        position += 1
        while position < bytes.count, !bytes[position...].starts(with: "-->".utf8) {
            position += 1
        }
    }

    /// Takes the attributes up to the end of the tag.
    private mutating func takeReference() -> String? {
        var reference: String?
        while let byte = skip(while: { $0.isSpace || $0 == UInt8(ascii: "/") }), byte != UInt8(ascii: ">") {
            let name = takeName()
            guard skip(while: \.isSpace) == UInt8(ascii: "=") else {
                // A name without a value, or what is no name at all.
                if name.isEmpty {
                    position += 1
                }
                continue
            }
            position += 1
            let value = takeValue()
            if name == "href", reference == nil {
                reference = value
            }
        }
        return reference
    }

    /// A name in lower case.
    private mutating func takeName() -> String {
        let start = position
        skip { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }
        return String(decoding: bytes[start..<position], as: UTF8.self).lowercased()
    }

    private mutating func takeValue() -> String {
        guard let quote = skip(while: \.isSpace) else { return "" }
        let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        position += isQuoted ? 1 : 0
        let start = position
        skip { isQuoted ? $0 != quote : !$0.isSpace && $0 != UInt8(ascii: ">") }
        let value = String(decoding: bytes[start..<position], as: UTF8.self)
        position = min(position + (isQuoted ? 1 : 0), bytes.count)
        return value.split(separator: "&amp;", omittingEmptySubsequences: false).joined(separator: "&")
    }

    /// Goes on to the first byte that is none of these, and tells it; nil at the end.
    @discardableResult
    private mutating func skip(while isSkipped: (UInt8) -> Bool) -> UInt8? {
        while position < bytes.count, isSkipped(bytes[position]) {
            position += 1
        }
        return position < bytes.count ? bytes[position] : nil
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || 0x09...0x0D ~= self }
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
    fileprivate var isLetter: Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= self | 0x20 }
}
