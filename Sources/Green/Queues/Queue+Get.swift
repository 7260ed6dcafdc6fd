extension Queue {
    /// Takes the next item out of the queue, or from the hands of a thread that waits with one.
    ///
    /// Blocks while there is none.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: The item.
    /// - Throws: ``QueueClosed`` when the queue is empty and closed, also meanwhile. A ``SystemError`` with the code
    ///   `timedOut` after the timeout. When the thread is killed, the error of that kill.
    @available(*, noasync)
    @inlinable
    public func get(timeout: Duration? = nil) throws -> Item {
        guard let item = try next(timeout: timeout) else { throw QueueClosed() }
        return item
    }

    /// Takes the next item as ``get(timeout:)`` does, until the queue is closed and empty.
    ///
    /// ```swift
    /// while let job = try jobs.next() {
    ///     try job.run()
    /// }
    /// ```
    ///
    /// Blocks while there is none.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: The item; nil when the queue is empty and closed.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. When the thread is killed, the error of
    ///   that kill.
    @available(*, noasync)
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

    /// Takes the next item unless it would have to wait. Does not block.
    ///
    /// On a channel it takes that of a thread that waits with one.
    ///
    /// - Returns: The item; nil when there is none now.
    /// - Throws: ``QueueClosed`` when the queue is empty and closed.
    @available(*, noasync)
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
