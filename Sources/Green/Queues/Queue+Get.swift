extension Queue {
    /// Removes and returns the next item, or takes one from a thread that waits to put it.
    ///
    /// Blocks while the queue is empty.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The item.
    /// - Throws: ``QueueClosed`` if the queue is empty and closed, or is closed during the call. A ``SystemError`` with
    ///   the code `timedOut` if the timeout expires. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func get(timeout: Duration? = nil) throws -> Item {
        guard let item = try next(timeout: timeout) else { throw QueueClosed() }
        return item
    }

    /// Removes and returns the next item like ``get(timeout:)``, or returns nil at the end of the queue.
    ///
    /// ```swift
    /// while let job = try jobs.next() {
    ///     try job.run()
    /// }
    /// ```
    ///
    /// Blocks while the queue is empty.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The item; nil if the queue is empty and closed.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. If the thread is killed, the error
    ///   of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Item? {
        // The item is in the queue's memory until it is moved out.
        defer { withExtendedLifetime(self) {} }
        if let slot = unsafe getSlot() {
            return unsafe slot.assumingMemoryBound(to: Item.self).move()
        }
        let timeout = coreTimeout(timeout)
        return try unsafe withUnsafeTemporaryAllocation(of: Item.self, capacity: 1) { room in
            let place = room.baseAddress!
            let result = unsafe get(to: place, timeout)
            if result >= 0 {
                return unsafe place.move()
            }
            if meansClosed(result) {
                return nil
            }
            throw queueFailure(result)
        }
    }

    /// Removes and returns the next item if there is one now. Does not block.
    ///
    /// With a capacity of 0, it takes the item of a thread that waits to put it.
    ///
    /// - Returns: The item; nil if there is none now.
    /// - Throws: ``QueueClosed`` if the queue is empty and closed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func tryGet() throws -> Item? {
        defer { withExtendedLifetime(self) {} }
        if let slot = unsafe getSlot() {
            return unsafe slot.assumingMemoryBound(to: Item.self).move()
        }
        return try unsafe withUnsafeTemporaryAllocation(of: Item.self, capacity: 1) { room in
            let place = room.baseAddress!
            let result = unsafe tryGet(to: place)
            if result < 0 {
                throw queueFailure(result)
            }
            return unsafe result > 0 ? place.move() : nil
        }
    }
}
