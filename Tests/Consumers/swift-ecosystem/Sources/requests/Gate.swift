import Green
import Synchronization

/// Holds threads of any hubs until a number of them has come.
final class Gate: Sendable {
    private let count: Atomic<Int>
    private let opened = Promise<Void>()

    init(_ count: Int) {
        self.count = Atomic(count)
    }

    func pass() throws {
        if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            try opened.send(())
        }
        try opened.wait()
    }
}
