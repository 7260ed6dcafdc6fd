/// Counts the tracked objects that were created and destroyed.
final class Ledger {
    fileprivate(set) var made = 0
    fileprivate(set) var gone = 0

    func make() -> Tracked {
        made += 1
        return Tracked(self)
    }
}

/// An object that records its destruction in a ledger. A second destruction would be counted, too.
final class Tracked {
    private let ledger: Ledger

    fileprivate init(_ ledger: Ledger) {
        self.ledger = ledger
    }

    /// A use of the object, so that a closure captures it.
    func touch() {}

    deinit {
        ledger.gone += 1
    }
}
