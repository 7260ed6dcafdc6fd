extension Channel {
    /// Sends an item into the channel, or directly to a thread that waits for one.
    ///
    /// Blocks while the channel is full; with a capacity of 0, until the item is taken. Call it on any OS thread.
    ///
    /// - Parameters:
    ///   - item: The item. If the call throws, the item was not sent.
    ///   - timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Throws: ``ChannelClosed`` if the channel is closed, or is closed during the call. A ``SystemError`` with the
    ///   code `timedOut` if the timeout expires, or `noMemory` if there is no memory for the item. If the thread is
    ///   killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func send(_ item: consuming Item, timeout: Duration? = nil) throws {
        let timeout = coreTimeout(timeout)
        _ = try unsafe hand(over: item) { place in
            let result = unsafe send(from: place, timeout)
            if result < 0 {
                throw channelFailure(result)
            }
            return true
        }
    }

    /// Sends an item if the channel has room now. Does not block. Call it on any OS thread, also in callbacks.
    ///
    /// With a capacity of 0, it succeeds if a thread waits for an item.
    ///
    /// - Parameter item: The item.
    /// - Returns: Whether the item was sent.
    /// - Throws: ``ChannelClosed`` if the channel is closed. A ``SystemError`` with the code `noMemory` if there is no
    ///   memory for the item.
    @inlinable
    public func trySend(_ item: consuming Item) throws -> Bool {
        try unsafe hand(over: item) { place in
            let result = unsafe trySend(from: place)
            if result < 0 {
                throw channelFailure(result)
            }
            return result > 0
        }
    }
}
