import GreenExampleSupport

/// The URLs to fetch first: those of the command line and the lines of files, in order.
final class Addresses {
    enum Source {
        case url(String)
        /// A file with a URL on each line. "-" is standard input.
        case file(String)
    }

    private var sources: ArraySlice<Source>
    private var lines: LineReader?
    private let progress: Progress

    init(_ sources: [Source], progress: Progress) {
        self.sources = sources[...]
        self.progress = progress
    }

    /// Returns the next URL, or nil at the end. Reads a file on demand.
    func next() throws -> String? {
        while let address = try nextLine() ?? nextOfSources() {
            let address = address.trimmed
            if !address.isEmpty {
                progress.total += 1
                return address
            }
        }
        return nil
    }

    private func nextLine() throws -> String? {
        let line = try lines?.next()
        if line == nil {
            lines = nil
        }
        return line
    }

    private func nextOfSources() throws -> String? {
        switch sources.popFirst() {
        case .url(let text):
            return text
        case .file(let path):
            lines = try LineReader(path)
            return ""
        case nil:
            return nil
        }
    }
}
