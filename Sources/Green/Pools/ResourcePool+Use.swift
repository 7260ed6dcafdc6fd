internal import SystemPackage

extension ResourcePool {
    /// Returns an idle resource, or a new one. Blocks while the maximum number of resources is in use.
    ///
    /// The caller must give the resource back with ``put(_:)`` or ``discard(_:)``. `create` runs in the calling thread
    /// and may block too. If it throws, the next waiting thread tries.
    ///
    /// - Parameter timeout: The maximum time to wait for other threads, without the time of `create`; zero does not
    ///   wait, nil means no limit.
    /// - Returns: The resource.
    /// - Throws: What `create` threw. A ``SystemError`` with the code `timedOut` if the timeout expires. If the caller
    ///   is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func get(timeout: Duration? = nil) throws -> Resource {
        try checkInterrupt()
        let item = try takePlace(timeout: timeout)
        do {
            return handOut(try item ?? nextIdle() ?? makeItem())
        } catch {
            leavePlace()
            throw error
        }
    }

    /// Puts a resource back.
    ///
    /// The thread that has waited longest gets the resource, if any waits. If the resource is too old, or the pool was
    /// shrunk, it is destroyed, which may block. Cannot be interrupted.
    ///
    /// Putting back what ``get(timeout:)`` did not return ends the process if the pool can detect it: always in a pool
    /// with a maximum age, otherwise if no resource is in use.
    ///
    /// - Parameter resource: A resource from ``get(timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func put(_ resource: Resource) {
        var item = takeBack(resource, "put")
        if keepsNone || taken > maximum || item.isDue(at: .now) {
            destroyInPlace(item)
        } else if let waiter = nextWaiter() {
            waiter.sendOnce(.success(item))
        } else {
            taken -= 1
            item.due = dueDate(birth: item.birth)
            keep(item)
        }
    }

    /// Gives back a resource that must not be reused, such as a broken connection.
    ///
    /// The resource is destroyed, which may block. Then another one can be created in its place. Cannot be interrupted.
    /// Discarding what ``get(timeout:)`` did not return ends the process as in ``put(_:)``.
    ///
    /// - Parameter resource: A resource from ``get(timeout:)``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func discard(_ resource: Resource) {
        destroyInPlace(takeBack(resource, "discard"))
    }

    /// Gets a resource, calls the body with it, and gives it back when the body returns or throws.
    ///
    /// If the body throws, the resource is discarded, because a connection in the middle of a response cannot be
    /// reused. A pool with `discardsOnError: false` puts it back.
    ///
    /// - Parameters:
    ///   - timeout: The maximum time to wait for a resource, as in ``get(timeout:)``.
    ///   - body: Uses the resource. It may block.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw, or the errors of ``get(timeout:)``; then the body did not run.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
    /// If the pool grows, waiting threads proceed. If it shrinks, idle resources are destroyed, which may block, and
    /// resources in use are destroyed when they are put back. Cannot be interrupted.
    ///
    /// - Parameter maximum: The maximum number of resources. A negative number ends the process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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

    /// Destroys all idle resources, which may block. Resources in use stay valid. Cannot be interrupted.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func clear() {
        retire { _ in true }
    }
}
