internal import SystemPackage

// MARK: - Places

extension ResourcePool {
    /// Takes a place. Waits for one if none is free.
    ///
    /// - Returns: The item that another thread put back for the caller, or nil.
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

    /// Releases a place.
    func leavePlace() {
        taken -= 1
        givePlaces()
    }

    func givePlaces() {
        while taken < maximum, let waiter = nextWaiter() {
            taken += 1
            waiter.sendOnce(.success(nil))
        }
    }

    /// Removes the thread that has waited longest. Skips threads that were interrupted and have not run yet, because
    /// they would not take the item.
    func nextWaiter() -> Event<Item?>? {
        while !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            if waiter.waitingCount > 0 {
                return waiter
            }
        }
        return nil
    }

    private func explained(_ error: any Error) -> any Error {
        switch error {
        case let error as SystemError where error.code == .timedOut:
            SystemError(code: .timedOut, message: "cannot get a resource: all \(maximum) stayed in use (ETIMEDOUT)")
        case is DeadlockError:
            DeadlockError(message: "cannot get a resource: all \(maximum) are in use, and no thread can put one back")
        default:
            error
        }
    }
}

// MARK: - Items

extension ResourcePool {
    /// Whether the pool reuses no resource and only bounds their number.
    var keepsNone: Bool {
        isNone(maximumIdle) || isNone(maximumAge)
    }

    private func isNone(_ duration: Duration?) -> Bool {
        guard let duration else { return false }
        return duration <= .zero
    }

    /// Creates a resource. The caller has taken a place for it.
    func makeItem() throws -> Item {
        let resource = try create()
        let birth = maximumAge == nil ? nil : HubInstant.now
        return Item(resource: resource, birth: birth, due: dueDate(birth: birth))
    }

    /// When an item expires that is idle from now on.
    func dueDate(birth: HubInstant?) -> HubInstant? {
        let idleEnd = maximumIdle.map { HubInstant.now.advanced(by: $0) }
        guard let birth, let maximumAge else { return idleEnd }
        let ageEnd = birth.advanced(by: maximumAge)
        return min(ageEnd, idleEnd ?? ageEnd)
    }

    /// Returns an idle item. The caller has taken a place for it. Destroys expired items.
    func nextIdle() -> Item? {
        while !items.isEmpty {
            let item = order == .lifo ? items.removeLast() : items.removeFirst()
            if !item.isDue(at: .now) {
                return item
            }
            destroyShielded(item)
        }
        return nil
    }

    /// Records that a resource is in use, and returns it.
    func handOut(_ item: Item) -> Resource {
        inUse += 1
        if let birth = item.birth, !keepsNone {
            births[identity(of: item.resource)] = birth
        }
        return item.resource
    }

    /// Returns the item of a resource that is given back. The item is due if it is too old.
    func takeBack(_ resource: Resource, _ call: StaticString) -> Item {
        guard inUse > 0 else { fatalError("\(call): no resource of this ResourcePool is in use") }
        inUse -= 1
        guard let maximumAge, !keepsNone else { return Item(resource: resource, birth: nil, due: nil) }
        guard let birth = births.removeValue(forKey: identity(of: resource)) else {
            fatalError("\(call): the resource is not from this ResourcePool, or was given back before")
        }
        return Item(resource: resource, birth: birth, due: birth.advanced(by: maximumAge))
    }

    private func identity(of resource: Resource) -> ObjectIdentifier {
        guard type(of: resource as Any) is AnyObject.Type else {
            fatalError("a ResourcePool with a maximum age requires objects; \(type(of: resource)) is not a class")
        }
        return ObjectIdentifier(resource as AnyObject)
    }

    /// Destroys an item that has a place, and releases the place.
    func destroyInPlace(_ item: Item) {
        destroyShielded(item)
        leavePlace()
    }

    /// Destroys an item, which may block, also in a thread that was interrupted: it may give the item back for that
    /// reason.
    private func destroyShielded(_ item: Item) {
        do {
            try withCancellationShield { destroy(item.resource) }
        } catch {
            // There is no memory for a shield, and the resource was not destroyed yet.
            destroy(item.resource)
        }
    }

    /// Destroys the chosen idle items. Each has a place until it is destroyed.
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
    /// Keeps an item as idle until it expires.
    func keep(_ item: Item) {
        items.append(item)
        if let due = item.due {
            wakeKeeper(at: due)
        }
    }

    /// Makes the keeper wake at a time, or earlier.
    ///
    /// The keeper is not restarted when the item is taken before it expires, because that would cost more than to wake
    /// in vain. It does not retain the pool.
    private func wakeKeeper(at due: HubInstant) {
        if let keeper, !keeper.object.thread.isFinished {
            guard due < keeperDue else { return }
        }
        keeperDue = due
        let delay = HubInstant.now.duration(to: due)
        let thread: GreenThread<Void> = spawn(name: "resource pool", after: delay) { [weak self] in
            self?.destroyDue()
        }
        let keeper = HubBound(PoolKeeper(thread))
        keeper.bind()
        self.keeper = keeper
    }

    /// The function of the keeper.
    private func destroyDue() {
        keeper = nil
        let now = HubInstant.now
        retire { $0.isDue(at: now) }
        if let due = items.compactMap(\.due).min() {
            wakeKeeper(at: due)
        }
    }
}

/// The delayed thread of a ``ResourcePool``. Stops it when it is destroyed, unless it has begun.
final class PoolKeeper {
    let thread: GreenThread<Void>

    init(_ thread: GreenThread<Void>) {
        self.thread = thread
    }

    deinit {
        thread.cancel()
    }
}
