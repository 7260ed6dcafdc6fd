import Green

/// The links on a page: the references of its <a> and <area> elements, found while the page comes.
///
/// This is a scan and no parser of HTML. It knows tags, attributes with and without quotes, and comments, and takes
/// everything else for text. It takes the same time for every byte, and keeps no more of a page than one reference and
/// the links that were found: both are limited, since the page may be anybody's.
struct Links {
    /// What was found, in order and without references that lead nowhere over HTTP.
    private(set) var found: [URL] = []

    /// More references are left out, those that lead nowhere included.
    private static let limit = 10_000
    /// After as much work as so many bytes are, others have their turn.
    private static let turn = 16 * 1024
    /// A reference is as much work as so many bytes, since all of the page's URL is copied for it.
    private static let workOfReference = 160
    /// Longer references are left out.
    private static let longestReference = 2048
    /// Longer names are none of those that are looked for.
    private static let longestName = 8

    private enum State {
        case text
        /// Behind a "<".
        case opened
        /// Behind "<!" and so many dashes.
        case declaration(dashes: Int)
        /// In a comment, behind so many dashes; two end it.
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

    /// Takes the next bytes of the page. Lets others have their turn now and then.
    mutating func scan(_ bytes: RawSpan) throws {
        for offset in bytes.byteOffsets {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            while !take(byte) {}
            guard references < Links.limit else { return }
            work += 1
            if work >= Links.turn {
                work = 0
                try GreenThread.yield()
            }
        }
    }

    /// Takes the end of the page, which ends an element that is not complete.
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

    /// Takes a byte, or false when only the state has changed. Each byte changes the state a few times at most.
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
            // The dashes that begin a comment may be those that end it.
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
        // The first one counts.
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

    /// Adds to a name, in lower case.
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
