internal import SystemPackage

// MARK: - Places

extension ResourcePool {
    /// Takes a place, behind those who wait for one.
    ///
    /// - Returns: What was put meanwhile, for the caller; otherwise nil.
    func takePlace(timeout: Duration?) throws -> Item? {
        if taken < maximum {
            taken += 1
            return nil
        }
        let waiter = Event<Item?>()
        waiters.append(waiter)
        do {
            return try waiter.wait(timeout: timeout)
        } catch {
            waiters.removeAll { $0 === waiter }
            throw explained(error)
        }
    }

    /// Leaves a place to whoever waits, or nobody.
    func leavePlace() {
        taken -= 1
        givePlaces()
    }

    func givePlaces() {
        while taken < maximum, let waiter = nextWaiter() {
            taken += 1
            give(nil, to: waiter)
        }
    }

    /// Takes the one that has waited longest off the list. One that was interrupted, and has not run yet, is passed
    /// over: it would not take what it is given.
    func nextWaiter() -> Event<Item?>? {
        while !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            if waiter.waitingCount > 0 {
                return waiter
            }
        }
        return nil
    }

    func give(_ item: Item?, to waiter: Event<Item?>) {
        do {
            try waiter.send(item)
        } catch {
            // It was not sent before; so the caller is on another OS thread.
            fatalError("\(error)")
        }
    }

    private func explained(_ error: any Error) -> any Error {
        switch error {
        case let error as SystemError where error.code == .timedOut:
            SystemError(code: .timedOut, message: "getting a resource: all \(maximum) stayed in use (ETIMEDOUT)")
        case is DeadlockError:
            DeadlockError(message: "getting a resource: all \(maximum) are in use, and nobody can ever put one back")
        default:
            error
        }
    }
}

// MARK: - Items

extension ResourcePool {
    /// Whether the pool only limits how many there are.
    var keepsNone: Bool {
        isNone(maximumIdle) || isNone(maximumAge)
    }

    private func isNone(_ duration: Duration?) -> Bool {
        guard let duration else { return false }
        return duration <= .zero
    }

    /// Creates a resource, in a place that was taken for it.
    func makeItem() throws -> Item {
        let resource = try create()
        let birth = maximumAge == nil ? nil : ContinuousClock.now
        return Item(resource: resource, birth: birth, due: dueDate(birth: birth))
    }

    /// When an item is to go that is idle from now on.
    func dueDate(birth: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
        let idleEnd = maximumIdle.map { ContinuousClock.now.advanced(byAtMost: $0) }
        guard let birth, let maximumAge else { return idleEnd }
        let ageEnd = birth.advanced(byAtMost: maximumAge)
        return min(ageEnd, idleEnd ?? ageEnd)
    }

    /// Takes an idle item into a place that was taken for it. Destroys those that are due.
    func nextIdle() -> Item? {
        while !items.isEmpty {
            let item = order == .lifo ? items.removeLast() : items.removeFirst()
            if !item.isDue(at: .now) {
                return item
            }
            destroy(item.resource)
        }
        return nil
    }

    /// Hands an item out.
    func lend(_ item: Item) -> Resource {
        lent += 1
        if let birth = item.birth, !keepsNone {
            births[identity(of: item.resource)] = birth
        }
        return item.resource
    }

    /// Makes an item of a resource that comes back; it is due if it is too old.
    func takeBack(_ resource: Resource, _ call: StaticString) -> Item {
        guard lent > 0 else { fatalError("\(call): nothing is in use that could be given back to this ResourcePool") }
        lent -= 1
        guard let maximumAge, !keepsNone else { return Item(resource: resource, birth: nil, due: nil) }
        guard let birth = births.removeValue(forKey: identity(of: resource)) else {
            fatalError("\(call): this resource was not got from this ResourcePool, or was given back before")
        }
        return Item(resource: resource, birth: birth, due: birth.advanced(byAtMost: maximumAge))
    }

    private func identity(of resource: Resource) -> ObjectIdentifier {
        guard type(of: resource as Any) is AnyObject.Type else {
            fatalError("a ResourcePool with a maximum age is for objects, and \(type(of: resource)) is no class")
        }
        return ObjectIdentifier(resource as AnyObject)
    }

    /// Destroys an item that has a place, and leaves that.
    func destroyInPlace(_ item: Item) {
        destroy(item.resource)
        leavePlace()
    }

    /// Destroys the idle items that were chosen. Each has a place until it is gone.
    func retire(where isChosen: (Item) -> Bool) {
        var chosen: [Item] = []
        var kept: [Item] = []
        for item in items {
            if isChosen(item) {
                chosen.append(item)
            } else {
                kept.append(item)
            }
        }
        items = kept
        taken += chosen.count
        for item in chosen {
            destroyInPlace(item)
        }
    }
}

// MARK: - Time

extension ResourcePool {
    /// Keeps an item as idle, and sees to it that it does not stay too long.
    func keep(_ item: Item) {
        items.append(item)
        if let due = item.due {
            wakeKeeper(at: due)
        }
    }

    /// Lets the keeper wake at a time, or earlier.
    ///
    /// It sleeps on when what it was to wake for is given out: it looks again when it wakes, and to start another one
    /// for each put would cost more. It does not hold the pool, and has nothing to do while nothing is idle.
    private func wakeKeeper(at due: ContinuousClock.Instant) {
        if let keeper, !keeper.isFinished {
            guard due < keeperDue else { return }
            keeper.cancel()
        }
        keeperDue = due
        keeper = spawn(name: "resource pool", after: ContinuousClock.now.duration(to: due)) { [weak self] in
            self?.destroyDue()
        }
    }

    /// What the keeper does.
    private func destroyDue() {
        keeper = nil
        let now = ContinuousClock.now
        retire { $0.isDue(at: now) }
        if let due = items.compactMap(\.due).min() {
            wakeKeeper(at: due)
        }
    }
}
