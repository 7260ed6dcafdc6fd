/// Why a page could not be had, as a sentence behind its URL.
struct CrawlError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The beginning of what a server said, made harmless for a terminal.
func quote(_ text: String) -> String {
    String(reflecting: String(text.unicodeScalars.prefix(60)))
}
