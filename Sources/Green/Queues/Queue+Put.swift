extension Queue {
    /// Puts an item into the queue, or passes it directly to a thread that waits for one.
    ///
    /// Blocks while the queue is full; with a capacity of 0, until the item is taken.
    ///
    /// - Parameters:
    ///   - item: The item. If the call throws, the item was not put.
    ///   - timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: ``QueueClosed`` if the queue is closed, or is closed during the call. A ``SystemError`` with the code
    ///   `timedOut` if the timeout expires, or `noMemory` if there is no memory for the item. If the thread is killed,
    ///   the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func put(_ item: consuming Item, timeout: Duration? = nil) throws {
        // The item goes into the queue's memory.
        defer { withExtendedLifetime(self) {} }
        if let slot = unsafe putSlot() {
            unsafe slot.initializeMemory(as: Item.self, to: item)
        } else {
            let timeout = coreTimeout(timeout)
            _ = try unsafe hand(over: item) { place in
                let result = unsafe put(from: place, timeout)
                if result < 0 {
                    throw queueFailure(result)
                }
                return true
            }
        }
    }

    /// Puts an item into the queue if there is room now. Does not block.
    ///
    /// With a capacity of 0, it succeeds if a thread waits for an item.
    ///
    /// - Parameter item: The item.
    /// - Returns: Whether the item was put.
    /// - Throws: ``QueueClosed`` if the queue is closed. A ``SystemError`` with the code `noMemory` if there is no
    ///   memory for the item.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func tryPut(_ item: consuming Item) throws -> Bool {
        defer { withExtendedLifetime(self) {} }
        if let slot = unsafe putSlot() {
            unsafe slot.initializeMemory(as: Item.self, to: item)
            return true
        }
        return try unsafe hand(over: item) { place in
            let result = unsafe tryPut(from: place)
            if result < 0 {
                throw queueFailure(result)
            }
            return result > 0
        }
    }
}

/// Keeps the item on the stack for a call that may move it away, and destroys it if the call did not.
@inlinable
func hand<Item>(over item: consuming Item, to call: (UnsafeMutableRawPointer) throws -> Bool) throws -> Bool {
    // A closure cannot consume what it captures.
    var item = Optional(item)
    return try unsafe withUnsafeTemporaryAllocation(of: Item.self, capacity: 1) { room in
        let place = room.baseAddress!
        unsafe place.initialize(to: item.take()!)
        var isGone = false
        defer {
            if !isGone {
                unsafe place.deinitialize(count: 1)
            }
        }
        isGone = try unsafe call(UnsafeMutableRawPointer(place))
        return isGone
    }
}
