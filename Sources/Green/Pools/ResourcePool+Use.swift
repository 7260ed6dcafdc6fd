internal import SystemPackage

extension ResourcePool {
    /// Takes a resource, which is the caller's until it is given to ``put(_:)`` or ``discard(_:)``.
    ///
    /// An idle one, or else a new one; blocks while there are as many as there may be and all are in use. `create`
    /// runs in the calling thread and may block, too. When it throws, whoever waits next may try.
    ///
    /// - Parameter timeout: How long to wait for others at most, without the time of `create`; zero does not wait, nil
    ///   is for as long as it takes.
    /// - Returns: The resource.
    /// - Throws: What `create` threw. A ``SystemError`` with the code `timedOut` after the timeout. When the caller is
    ///   killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
    public func get(timeout: Duration? = nil) throws -> Resource {
        try checkInterrupt()
        let item = try takePlace(timeout: timeout)
        do {
            return lend(try item ?? nextIdle() ?? makeItem())
        } catch {
            leavePlace()
            throw error
        }
    }

    /// Puts a resource back.
    ///
    /// It goes to the thread that has waited longest for one, if any. It is destroyed when it is too old, and when the
    /// pool was made smaller meanwhile; this may block. Cannot be interrupted.
    ///
    /// To put what was not got is a mistake that ends the process, where it is noticed: when nothing is in use, and in
    /// a pool with a maximum age always.
    ///
    /// - Parameter resource: What was got.
    @available(*, noasync)
    public func put(_ resource: Resource) {
        var item = takeBack(resource, "put")
        if keepsNone || taken > maximum || item.isDue(at: .now) {
            destroyInPlace(item)
        } else if let waiter = nextWaiter() {
            give(item, to: waiter)
        } else {
            taken -= 1
            item.due = dueDate(birth: item.birth)
            keep(item)
        }
    }

    /// Gives back a resource that is not to be used again, such as a connection that was lost.
    ///
    /// It is destroyed, which may block. After that another may be created in its place. Cannot be interrupted. To
    /// discard what was not got is the mistake that it is for ``put(_:)``.
    ///
    /// - Parameter resource: What was got.
    @available(*, noasync)
    public func discard(_ resource: Resource) {
        destroyInPlace(takeBack(resource, "discard"))
    }

    /// Takes a resource for the time of the body, and gives it back however the body ends.
    ///
    /// After an error it is discarded, unless the pool was made otherwise: a connection in the middle of an answer is
    /// of no use to anybody.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait for a resource at most, as in ``get(timeout:)``.
    ///   - body: What to do with it. It may block.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or as ``get(timeout:)``; then the body did not run.
    @available(*, noasync)
    public func withItem<Result>(timeout: Duration? = nil, _ body: (Resource) throws -> Result) throws -> Result {
        let resource = try get(timeout: timeout)
        let result: Result
        do {
            result = try body(resource)
        } catch {
            if discardsOnError {
                discard(resource)
            } else {
                put(resource)
            }
            throw error
        }
        put(resource)
        return result
    }

    /// Changes the maximum.
    ///
    /// A larger one lets those who wait go on at once. Above a smaller one idle resources are destroyed, which may
    /// block, and those in use when they are put back. Cannot be interrupted.
    ///
    /// - Parameter maximum: How many resources there may be. A negative number is a mistake that ends the process.
    @available(*, noasync)
    public func resize(to maximum: Int) {
        guard maximum >= 0 else { fatalError("a ResourcePool cannot be resized to \(maximum) resources") }
        self.maximum = maximum
        givePlaces()
        var surplus = count - maximum
        retire { _ in
            surplus -= 1
            return surplus >= 0
        }
    }

    /// Destroys all resources that are idle, which may block. Those in use are not touched. Cannot be interrupted.
    @available(*, noasync)
    public func clear() {
        retire { _ in true }
    }
}
