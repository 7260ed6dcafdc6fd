import Green
import GreenExampleSupport

/// The source of the items: the lines of files, or the numbers from 1. All producers share one input.
final class Input {
    private var paths: ArraySlice<String>
    private var numbers: ClosedRange<Int>.Iterator?
    /// The number of files that could not be read completely.
    private(set) var failures = 0

    init(paths: [String], numbers: Int) {
        self.paths = paths[...]
        self.numbers = paths.isEmpty ? (1...numbers).makeIterator() : nil
    }

    /// Passes items to a producer until there are no more. Producers share the numbers; each file goes to one of them.
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
