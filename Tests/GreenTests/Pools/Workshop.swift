import Green

/// Creates the resources of a pool and records what happens to them.
final class Workshop {
    final class Thing {
        let number: Int
        var isInUse = false
        private let tracked: Tracked

        fileprivate init(_ number: Int, _ tracked: Tracked) {
            self.number = number
            self.tracked = tracked
        }
    }

    let ledger = Ledger()

    /// The number of things begun, and the maximum that existed at the same time.
    private(set) var begun = 0
    private(set) var most = 0

    /// The numbers of the destroyed things.
    private(set) var destroyed: [Int] = []

    /// The number of failed creations.
    private var spoiled = 0

    /// Called while a thing is created or destroyed. May block.
    var onMake: () throws -> Void = {}
    var onDestroy: () -> Void = {}

    /// The number of things that exist, including those being created or destroyed.
    var alive: Int { begun - spoiled - destroyed.count }

    func make() throws -> Thing {
        begun += 1
        most = max(most, alive)
        let number = begun
        do {
            try onMake()
        } catch {
            spoiled += 1
            throw error
        }
        return Thing(number, ledger.make())
    }

    func destroy(_ thing: Thing) {
        precondition(!thing.isInUse && !destroyed.contains(thing.number), "destroyed while in use, or twice")
        onDestroy()
        destroyed.append(thing.number)
    }

    func pool(
        minimum: Int = 0,
        maximum: Int = 4,
        order: ResourcePool<Thing>.Order = .lifo,
        maximumIdle: Duration? = nil,
        maximumAge: Duration? = nil,
        discardsOnError: Bool = true
    ) throws -> ResourcePool<Thing> {
        try ResourcePool(
            minimum: minimum,
            maximum: maximum,
            order: order,
            maximumIdle: maximumIdle,
            maximumAge: maximumAge,
            discardsOnError: discardsOnError,
            create: { try self.make() },
            destroy: { self.destroy($0) }
        )
    }
}

extension ResourcePool {
    /// The counts: all, idle, available, waiting.
    var figures: [Int] { [count, idleCount, availableCount, waitingCount] }
}
