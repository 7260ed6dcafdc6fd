import Green

/// The URL of a page: http://host[:port]/path?query, or https://. It is sent as it is written, without encoding or
/// decoding.
struct URL: Hashable, CustomStringConvertible {
    /// Whether it is https.
    let isSecure: Bool
    /// A name in lower case, or an IP address; IPv6 with brackets.
    let host: String
    let port: UInt16
    /// The path and the query, beginning with "/".
    let target: String

    /// The value of a Host header: without the port if it is the default.
    var authority: String { port == URL.port(isSecure) ? host : "\(host):\(port)" }

    var description: String { "\(scheme)://\(authority)\(target)" }

    private var scheme: String { isSecure ? "https" : "http" }

    /// Limits the memory that a server can make the client use for a URL.
    private static let longest = 8192

    /// Parses a URL. A fragment, "#…", is ignored.
    init(parsing text: String) throws {
        guard text.utf8.count <= URL.longest else { throw URL.tooLong }
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw CrawlError("a URL must be ASCII without spaces; percent-encode other characters")
        }
        guard let scheme = URL.scheme(of: text), text.dropFirst(scheme.count).hasPrefix("://") else {
            throw CrawlError("a URL must begin with http:// or https://")
        }
        switch scheme.lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: throw CrawlError("only http:// and https:// work, not \(scheme)://")
        }
        let rest = text.dropFirst(scheme.count + "://".count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        (host, port) = try URL.split(authority, port: URL.port(isSecure))
        target = URL.normalized(rest[authority.endIndex...])
    }

    private static var tooLong: CrawlError { CrawlError("the URL exceeds \(longest) bytes") }

    private init(_ base: URL, target: some StringProtocol) throws {
        guard target.utf8.count <= URL.longest else { throw URL.tooLong }
        (isSecure, host, port) = (base.isSecure, base.host, base.port)
        self.target = URL.normalized(Substring(target))
    }

    /// Resolves a reference on this page: a link, or the target of a redirect.
    func resolving(_ reference: String) throws -> URL {
        let reference = String(reference.trimmed.prefix { $0 != "#" })
        if URL.scheme(of: reference) != nil {
            return try URL(parsing: reference)
        }
        if reference.hasPrefix("//") {
            return try URL(parsing: "\(scheme):\(reference)")
        }
        guard reference.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw CrawlError("it leads to \(quote(reference)), which is not ASCII without spaces")
        }
        let path = target.prefix { $0 != "?" }
        let folder = path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex)
        return switch reference.first {
        case nil: self
        case "/": try URL(self, target: reference)
        case "?": try URL(self, target: path + reference)
        default: try URL(self, target: folder + reference)
        }
    }

    /// Whether both are pages of one server.
    func isOnSite(of other: URL) -> Bool {
        host == other.host && port == other.port
    }

    /// The text before the first colon, if it has the form of a scheme.
    private static func scheme(of text: String) -> Substring? {
        let scheme = text.prefix { $0 != ":" }
        guard scheme.endIndex < text.endIndex, let first = scheme.first, first.isASCII, first.isLetter else {
            return nil
        }
        return scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) } ? scheme : nil
    }

    private static func port(_ isSecure: Bool) -> UInt16 {
        isSecure ? 443 : 80
    }

    private static func split(_ authority: Substring, port standard: UInt16) throws -> (host: String, port: UInt16) {
        guard !authority.contains("@") else { throw CrawlError("user names in URLs are not sent") }
        let host =
            authority.hasPrefix("[")
            ? authority[...(authority.firstIndex(of: "]") ?? authority.startIndex)] : authority.prefix { $0 != ":" }
        guard !host.isEmpty else { throw CrawlError("it has no host") }
        guard isAddress(host) || host.allSatisfy({ $0.isLetter || $0.isNumber || ".-_".contains($0) }) else {
            throw CrawlError("'\(authority)' does not begin with a host name or a number")
        }
        let rest = authority[host.endIndex...]
        if rest.isEmpty || rest == ":" {
            return (host.lowercased(), standard)
        }
        guard rest.hasPrefix(":"), rest.dropFirst().allSatisfy(\.isNumber), let port = UInt16(rest.dropFirst()),
            port > 0
        else {
            throw CrawlError("'\(rest)' behind the host is not a port from 1 to 65535")
        }
        return (host.lowercased(), port)
    }

    private static func isAddress(_ host: Substring) -> Bool {
        host.hasPrefix("[") && host.hasSuffix("]") && SocketAddress("\(host):80") != nil
    }

    /// The target, beginning with "/", and without "." and ".." in its path, so that each page has one URL.
    private static func normalized(_ target: Substring) -> String {
        let path = target.prefix { $0 != "?" }
        let given = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var parts: [Substring] = []
        for part in given where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        if given.last == "." || given.last == ".." {
            parts.append("")
        }
        return "/\(parts.joined(separator: "/"))\(target[path.endIndex...])"
    }
}

extension StringProtocol {
    /// The text without white space at both ends.
    var trimmed: String {
        guard let end = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(self[...end].drop { $0.isWhitespace })
    }
}
