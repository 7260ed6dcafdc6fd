extension Channel: Sequence {
    /// Iterates over the items until the channel is closed and empty, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for job in jobs {
    ///     try job.get().run()
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. After an interrupt, such as ``GreenExit``, the
    /// iteration can continue. A ``SystemError``, which would come again, is the last element. A `while let` loop with
    /// ``next(timeout:)`` is simpler.
    ///
    /// Each call of the iterator takes one item. Several threads may iterate; each item goes to one of them.
    @inlinable
    public func makeIterator() -> Iterator {
        Iterator(channel: self)
    }

    /// An iterator over the items of a channel.
    public struct Iterator: IteratorProtocol {
        @usableFromInline
        let channel: Channel

        @usableFromInline
        var hasEnded = false

        @inlinable
        init(channel: Channel) {
            self.channel = channel
        }

        /// Takes the next item, like ``Channel/next(timeout:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        @inlinable
        public mutating func next() -> Result<Item, any Error>? {
            nextElement(&hasEnded, endingWith: wouldFailAgain) { try channel.next() }
        }
    }
}

@available(*, unavailable)
extension Channel.Iterator: Sendable {}
