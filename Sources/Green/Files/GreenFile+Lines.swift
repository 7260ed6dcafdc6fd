internal import SystemPackage

extension GreenFile {
    /// The lines from the position to the end of the file, without their ends, "\n" or "\r\n".
    ///
    /// ```swift
    /// for line in file.lines {
    ///     print(try line.get())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. The first failure is the last element. A line of more
    /// than 1 MiB is a failure with the code `messageTooLong`. Invalid UTF-8 is repaired. A last line without an end
    /// counts as a line. The sequence reads ahead: if a loop ends early, the position of the file is behind the end of
    /// the last line.
    public var lines: Lines {
        Lines(file: self)
    }

    /// A sequence of the lines of a file, which reads them on demand.
    @safe
    public struct Lines: Sequence, IteratorProtocol {
        private let file: GreenFile
        private var buffer: [UInt8] = []
        /// The offset in the buffer of the first byte that no line has had.
        private var taken = 0
        private var hasEnded = false

        /// The maximum length of a line in bytes.
        private static let limit = 1 << 20

        fileprivate init(file: GreenFile) {
            self.file = file
        }

        /// Reads the next line. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
                    throw SystemError(
                        code: .messageTooLong,
                        message: "cannot read a line: it exceeds \(Lines.limit) bytes"
                    )
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
