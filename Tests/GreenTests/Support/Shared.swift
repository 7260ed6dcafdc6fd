import Green
import Synchronization
import Testing

/// A counter for several OS threads.
final class Count: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .acquiring) }

    func add(_ difference: Int = 1) {
        number.add(difference, ordering: .acquiringAndReleasing)
    }
}

/// Increments a counter when it is destroyed, on any OS thread. A second destruction would be counted, too.
final class Guest: Sendable {
    let number: Int
    private let gone: Count

    init(_ gone: Count, number: Int = 0) {
        self.number = number
        self.gone = gone
    }

    deinit {
        gone.add()
    }
}

/// Lets other green threads run until the condition is true.
func until(sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool) throws {
    for _ in 0..<60_000 where try !condition() {
        try GreenThread.sleep(for: .milliseconds(1))
    }
    try #require(try condition(), sourceLocation: sourceLocation)
}
