import Green
import GreenExampleSupport

/// Where the items come from: the lines of files, or the numbers from 1 on. All producers take from the same input.
final class Input {
    private var paths: ArraySlice<String>
    private var numbers: ClosedRange<Int>.Iterator?
    /// Files that could not be read, or not to their end.
    private(set) var failures = 0

    init(paths: [String], numbers: Int) {
        self.paths = paths[...]
        self.numbers = paths.isEmpty ? (1...numbers).makeIterator() : nil
    }

    /// Hands the items to a producer, until there are no more: numbers one by one, files one at a time.
    func forEach(_ body: (String) throws -> Void) throws {
        while let number = numbers?.next() {
            try body("\(number)")
        }
        while let path = paths.popFirst() {
            do {
                let lines = try LineReader(path)
                while let line = try lines.next() {
                    try body(line)
                }
            } catch let error as SystemError {
                failures += 1
                note("\(error)")
            }
        }
    }
}
