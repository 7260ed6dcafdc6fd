extension Queue: Sequence {
    /// Gets the items until the queue is closed and empty, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for job in jobs {
    ///     try job.get().run()
    /// }
    /// ```
    ///
    /// `for try` is for asynchronous sequences, and a `Sequence` cannot throw; so each element is a result. After a
    /// failure that is an interrupt, such as ``GreenExit``, iteration can go on; a ``SystemError`` or a
    /// ``DeadlockError``, which would come again, is the last element. ``next(timeout:)`` in a `while let` loop does
    /// the same with less ado.
    ///
    /// An item is taken when it is asked for. Several threads may iterate; each item goes to one of them.
    @inlinable
    public func makeIterator() -> Iterator {
        Iterator(queue: self)
    }

    /// Gets the items of a queue, each when it is asked for.
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

        /// Takes the next item, as ``Queue/next(timeout:)`` does. Blocks.
        @available(*, noasync)
        @inlinable
        public mutating func next() -> Result<Item, any Error>? {
            guard !hasEnded else { return nil }
            do {
                return try queue.next().map(Result.success)
            } catch {
                hasEnded = error is SystemError || error is DeadlockError
                return .failure(error)
            }
        }
    }
}

@available(*, unavailable)
extension Queue.Iterator: Sendable {}
