extension Channel {
    /// Removes and returns the next item, or takes one from a thread that waits to send it.
    ///
    /// Blocks while the channel is empty. Items that were sent before ``close()`` are received after it. Call it on any
    /// OS thread.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The item.
    /// - Throws: ``ChannelClosed`` if the channel is empty and closed, or is closed during the call. A ``SystemError``
    ///   with the code `timedOut` if the timeout expires. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func receive(timeout: Duration? = nil) throws -> Item {
        guard let item = try next(timeout: timeout) else { throw ChannelClosed() }
        return item
    }

    /// Removes and returns the next item like ``receive(timeout:)``, or returns nil at the end of the channel.
    ///
    /// ```swift
    /// while let job = try jobs.next() {
    ///     try job.run()
    /// }
    /// ```
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The item; nil if the channel is empty and closed, or is closed during the call.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. If the thread is killed, the error
    ///   of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func next(timeout: Duration? = nil) throws -> Item? {
        let timeout = coreTimeout(timeout)
        return try unsafe withUnsafeTemporaryAllocation(of: Item.self, capacity: 1) { room in
            let place = room.baseAddress!
            let result = unsafe receive(to: place, timeout)
            if result >= 0 {
                return unsafe place.move()
            }
            if meansClosed(result) {
                return nil
            }
            throw channelFailure(result)
        }
    }

    /// Removes and returns the next item if there is one now. Does not block. Call it on any OS thread, also in
    /// callbacks.
    ///
    /// With a capacity of 0, it takes the item of a thread that waits to send it.
    ///
    /// - Returns: The item; nil if there is none now.
    /// - Throws: ``ChannelClosed`` if the channel is empty and closed.
    @inlinable
    public func tryReceive() throws -> Item? {
        try unsafe withUnsafeTemporaryAllocation(of: Item.self, capacity: 1) { room in
            let place = room.baseAddress!
            let result = unsafe tryReceive(to: place)
            if result < 0 {
                throw channelFailure(result)
            }
            return unsafe result > 0 ? place.move() : nil
        }
    }
}
