internal import SystemPackage

extension GreenFile {
    /// The lines from the file's position to its end, without their ends, "\n" or "\r\n".
    ///
    /// ```swift
    /// for line in file.lines {
    ///     print(try line.get())
    /// }
    /// ```
    ///
    /// `for try` is for asynchronous sequences, and a `Sequence` cannot throw; so each element is a result, and the
    /// first failure is the last one. Invalid UTF-8 is repaired. A last line without an end counts; one of more
    /// than 1 MiB is a failure with the code `messageTooLong`. More is read than a
    /// line has, so that a loop that is left early has moved the file's position further than to the end of its line.
    public var lines: Lines {
        Lines(file: self)
    }

    /// The lines of a file, read as they are asked for.
    @safe
    public struct Lines: Sequence, IteratorProtocol {
        private let file: GreenFile
        private var buffer: [UInt8] = []
        /// How far lines were taken out of the buffer.
        private var taken = 0
        private var hasEnded = false

        /// A line may have so many bytes.
        private static let limit = 1 << 20

        fileprivate init(file: GreenFile) {
            self.file = file
        }

        /// Reads the next line. Blocks.
        @available(*, noasync)
        public mutating func next() -> Result<String, any Error>? {
            do {
                try checkInterrupt()
                return try nextLine().map(Result.success)
            } catch {
                hasEnded = true
                buffer = []
                taken = 0
                return .failure(error)
            }
        }

        private mutating func nextLine() throws -> String? {
            var searched = taken
            while true {
                if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                    return take(upTo: end, next: end + 1)
                }
                searched = buffer.count
                guard !hasEnded else {
                    return taken < buffer.count ? take(upTo: buffer.count, next: buffer.count) : nil
                }
                guard buffer.count - taken <= Lines.limit else {
                    throw SystemError(code: .messageTooLong, message: "a line has more than \(Lines.limit) bytes")
                }
                buffer.removeFirst(taken)
                searched -= taken
                taken = 0
                let piece = try file.read(upTo: 16 * 1024)
                hasEnded = piece.isEmpty
                buffer += piece
            }
        }

        private mutating func take(upTo end: Int, next: Int) -> String {
            var line = buffer[taken..<end]
            if next > end, line.last == UInt8(ascii: "\r") {
                line.removeLast()
            }
            taken = next
            return String(decoding: line, as: UTF8.self)
        }
    }
}

@available(*, unavailable)
extension GreenFile.Lines: Sendable {}
