extension Queue: Sequence {
    /// Iterates over the items until the queue is closed and empty, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for job in jobs {
    ///     try job.get().run()
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. After an interrupt, such as ``GreenExit``, the
    /// iteration can continue. A ``SystemError`` or a ``DeadlockError``, which would come again, is the last element. A
    /// `while let` loop with ``next(timeout:)`` is simpler.
    ///
    /// Each call of the iterator takes one item. Several threads may iterate; each item goes to one of them.
    @inlinable
    public func makeIterator() -> Iterator {
        Iterator(queue: self)
    }

    /// An iterator over the items of a queue.
    @safe
    public struct Iterator: IteratorProtocol {
        @usableFromInline
        let queue: Queue

        @usableFromInline
        var hasEnded = false

        @inlinable
        init(queue: Queue) {
            self.queue = queue
        }

        /// Takes the next item, like ``Queue/next(timeout:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        @inlinable
        public mutating func next() -> Result<Item, any Error>? {
            nextElement(&hasEnded, endingWith: wouldFailAgain) { try queue.next() }
        }
    }
}

@available(*, unavailable)
extension Queue.Iterator: Sendable {}
