import Green

/// The links on a page: the references of its <a> and <area> elements, found while the page arrives.
///
/// This is a scanner, not an HTML parser. It recognizes tags, attributes with and without quotes, and comments, and
/// treats everything else as text. It takes constant time for each byte, and stores only one reference and the links
/// found. Both are limited, because the page is untrusted.
struct Links {
    /// The links found, in order, without references that are not HTTP URLs.
    private(set) var found: [URL] = []

    /// The maximum number of references, including those that are not HTTP URLs.
    private static let limit = 10_000
    /// The amount of work, in bytes, after which the scan yields.
    private static let workBeforeYield = 16 * 1024
    /// The work for a reference, in bytes: it copies the page's URL.
    private static let workOfReference = 160
    /// Longer references are skipped.
    private static let longestReference = 2048
    /// No name of interest is longer.
    private static let longestName = 8

    private enum State {
        case text
        /// After a "<".
        case opened
        /// After "<!" and a number of dashes.
        case declaration(dashes: Int)
        /// In a comment, after a number of dashes. Two dashes and ">" end it.
        case comment(dashes: Int)
        case elementName
        case beforeAttribute
        case attributeName
        case afterAttributeName
        case beforeValue
        /// In a value, with quotes or without.
        case value(quote: UInt8?)
    }

    private var state = State.text
    private var base: URL
    private var hasBase = false
    private var references = 0
    private var work = 0
    private var elementName: [UInt8] = []
    private var attributeName: [UInt8] = []
    private var value: [UInt8] = []
    /// The first href of the element.
    private var reference: [UInt8]?

    init(at page: URL) {
        base = page
    }

    /// Scans the next bytes of the page. Yields from time to time.
    mutating func scan(_ bytes: RawSpan) throws {
        for offset in bytes.byteOffsets {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            while !take(byte) {}
            guard references < Links.limit else { return }
            work += 1
            if work >= Links.workBeforeYield {
                work = 0
                try GreenThread.yield()
            }
        }
    }

    /// Handles the end of the page, which ends an incomplete element.
    mutating func finish() {
        switch state {
        case .value:
            endValue()
            endElement()
        case .beforeAttribute, .attributeName, .afterAttributeName, .beforeValue:
            endElement()
        default:
            break
        }
    }

    /// Consumes a byte and returns true, or changes only the state and returns false. Each byte changes the state at
    /// most a few times.
    private mutating func take(_ byte: UInt8) -> Bool {
        switch state {
        case .text:
            state = byte == UInt8(ascii: "<") ? .opened : .text
        case .opened, .declaration, .comment:
            return takeMarkup(byte)
        case .elementName:
            return takeElementName(byte)
        case .beforeAttribute, .attributeName, .afterAttributeName:
            return takeAttribute(byte)
        case .beforeValue, .value:
            return takeValue(byte)
        }
        return true
    }

    private mutating func takeMarkup(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (.opened, UInt8(ascii: "!")):
            state = .declaration(dashes: 0)
        case (.opened, _) where byte.isOfName:
            elementName = []
            reference = nil
            state = .elementName
            return false
        case (.declaration(let dashes), UInt8(ascii: "-")):
            // The dashes that begin a comment may also end it.
            state = dashes == 1 ? .comment(dashes: 2) : .declaration(dashes: 1)
        case (.comment(let dashes), UInt8(ascii: "-")):
            state = .comment(dashes: min(dashes + 1, 2))
        case (.comment(let dashes), _):
            state = dashes == 2 && byte == UInt8(ascii: ">") ? .text : .comment(dashes: 0)
        default:
            state = .text
            return false
        }
        return true
    }

    private mutating func takeElementName(_ byte: UInt8) -> Bool {
        guard byte.isOfName else {
            state = .beforeAttribute
            return false
        }
        Links.append(byte, to: &elementName)
        return true
    }

    private mutating func takeAttribute(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (.attributeName, _) where byte.isOfName:
            Links.append(byte, to: &attributeName)
        case (.attributeName, _):
            state = .afterAttributeName
            return false
        case (_, UInt8(ascii: "=")):
            state = .beforeValue
        case (.afterAttributeName, _) where byte.isSpace:
            break
        case (.afterAttributeName, _):
            state = .beforeAttribute
            return false
        case (_, UInt8(ascii: ">")):
            endElement()
        default:
            attributeName = []
            if byte.isOfName {
                state = .attributeName
                return false
            }
        }
        return true
    }

    private mutating func takeValue(_ byte: UInt8) -> Bool {
        switch state {
        case .beforeValue where byte.isSpace:
            break
        case .beforeValue:
            value = []
            let isQuote = byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
            state = .value(quote: isQuote ? byte : nil)
            return isQuote
        case .value(let quote?) where byte == quote:
            endValue()
        case .value(nil) where byte.isSpace || byte == UInt8(ascii: ">"):
            endValue()
            return false
        default:
            if value.count <= Links.longestReference {
                value.append(byte)
            }
        }
        return true
    }

    private mutating func endValue() {
        if reference == nil, attributeName.elementsEqual("href".utf8) {
            reference = value
        }
        attributeName = []
        state = .beforeAttribute
    }

    private mutating func endElement() {
        state = .text
        guard let reference, reference.count <= Links.longestReference, references < Links.limit else { return }
        // Only the first one counts.
        let isBase = !hasBase && elementName.elementsEqual("base".utf8)
        guard isBase || elementName.elementsEqual("a".utf8) || elementName.elementsEqual("area".utf8) else { return }
        references += 1
        work += Links.workOfReference
        let text = String(decoding: reference, as: UTF8.self)
            .split(separator: "&amp;", omittingEmptySubsequences: false).joined(separator: "&")
        guard let target = try? base.resolving(text) else { return }
        if isBase {
            base = target
            hasBase = true
        } else {
            found.append(target)
        }
    }

    /// Appends to a name, in lower case.
    private static func append(_ byte: UInt8, to name: inout [UInt8]) {
        if name.count <= longestName {
            name.append(byte.isUpper ? byte | 0x20 : byte)
        }
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || 0x09...0x0D ~= self }
    fileprivate var isUpper: Bool { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= self }

    fileprivate var isOfName: Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= self | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= self
            || self == UInt8(ascii: "-") || self == UInt8(ascii: ":")
    }
}
