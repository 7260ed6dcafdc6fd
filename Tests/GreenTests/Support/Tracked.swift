/// How many tracked objects were made and how many of them are gone.
final class Ledger {
    fileprivate(set) var made = 0
    fileprivate(set) var gone = 0

    func make() -> Tracked {
        made += 1
        return Tracked(self)
    }
}

/// An object that enters its end in a ledger. A second end would show as one too many.
final class Tracked {
    private let ledger: Ledger

    fileprivate init(_ ledger: Ledger) {
        self.ledger = ledger
    }

    /// Something to do with it, so that a closure holds it.
    func touch() {}

    deinit {
        ledger.gone += 1
    }
}
