/// The error of a page, printed after its URL.
struct CrawlError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The beginning of a text from a server, escaped for a terminal.
func quote(_ text: String) -> String {
    String(reflecting: String(text.unicodeScalars.prefix(60)))
}
