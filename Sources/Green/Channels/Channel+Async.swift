internal import CGreen

// Calls for async functions. Swift selects them there by their `async`, and the blocking ones elsewhere.

extension Channel {
    /// Removes and returns the next item, like ``receive(timeout:)``, for an `async` function.
    ///
    /// Only the Task waits: it blocks no OS thread, and may run on any executor. Tasks and threads that wait for the
    /// same channel are served in order of arrival.
    ///
    /// - Returns: The item.
    /// - Throws: ``ChannelClosed`` if the channel is empty and closed, or is closed during the call.
    ///   `CancellationError` if the Task is cancelled, before or during the call: then it has taken no item.
    nonisolated(nonsending) public func receive() async throws -> Item {
        try Task.checkCancellation()
        if let item = try tryReceive() {
            return item
        }
        let place = UnsafeMutablePointer<Item>.allocate(capacity: 1)
        defer { unsafe place.deallocate() }
        try unsafe await AsyncWait.run { unsafe green_channel_receive_async(handle, place, $0) }
        return unsafe place.move()
    }

    /// Removes and returns the next item like ``receive()``, or returns nil at the end of the channel.
    ///
    /// ```swift
    /// while let job = try await jobs.next() {
    ///     try await job.run()
    /// }
    /// ```
    ///
    /// - Returns: The item; nil if the channel is empty and closed, or is closed during the call.
    /// - Throws: `CancellationError` if the Task is cancelled, before or during the call: then it has taken no item.
    nonisolated(nonsending) public func next() async throws -> Item? {
        do {
            return try await receive()
        } catch is ChannelClosed {
            return nil
        }
    }

    /// Sends an item, like ``send(_:timeout:)``, for an `async` function.
    ///
    /// The Task waits while the channel is full; with a capacity of 0, until the item is taken. It blocks no OS thread,
    /// and may run on any executor.
    ///
    /// - Parameter item: The item. If the call throws, the item was not sent.
    /// - Throws: ``ChannelClosed`` if the channel is closed, or is closed during the call. `CancellationError` if the
    ///   Task is cancelled, before or during the call. A ``SystemError`` with the code `noMemory` if there is no memory
    ///   for the item.
    nonisolated(nonsending) public func send(_ item: Item) async throws {
        try Task.checkCancellation()
        if try trySend(item) {
            return
        }
        let place = UnsafeMutablePointer<Item>.allocate(capacity: 1)
        unsafe place.initialize(to: item)
        defer { unsafe place.deallocate() }
        do {
            try unsafe await AsyncWait.run { unsafe green_channel_send_async(handle, place, $0) }
        } catch {
            unsafe place.deinitialize(count: 1)
            throw error
        }
    }

    /// The items until the channel is closed and empty, for `for try await` and the algorithms of async sequences.
    ///
    /// ```swift
    /// for try await job in jobs.values {
    ///     try await job.run()
    /// }
    /// ```
    ///
    /// Each step takes one item, like ``next()``. Several Tasks may iterate, also while threads receive; each item goes
    /// to one of them. If the Task is cancelled, the loop throws `CancellationError`, so a loop that ends without an
    /// error has reached the end of the channel. The other items stay in the channel.
    ///
    /// A channel itself is no `AsyncSequence`, because it is a `Sequence`: `map` and others would be ambiguous.
    public var values: Values {
        Values(channel: self)
    }

    /// The items of a channel, for `async` functions.
    public struct Values: AsyncSequence, Sendable {
        fileprivate let channel: Channel

        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(channel: channel)
        }

        /// An iterator over the items of a channel.
        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let channel: Channel

            /// Takes the next item, like ``Channel/next()``.
            nonisolated(nonsending) public mutating func next() async throws -> Item? {
                try await channel.next()
            }

            /// Takes the next item, like ``Channel/next()``.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Item? {
                try await channel.next()
            }
        }
    }
}
