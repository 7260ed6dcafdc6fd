extension Ticks: Sequence {
    /// Iterates over the ticks, for a `for` loop.
    ///
    /// ```swift
    /// for tick in Ticks(every: .seconds(1)) {
    ///     print(try tick.get())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. An error, such as ``GreenExit``, is the last element:
    /// a loop that ignores its elements ends, too, when its thread is killed or its time is over. A `while` loop with
    /// ``next()`` is simpler.
    public func makeIterator() -> Iterator {
        Iterator(ticks: self)
    }

    /// An iterator that waits for ticks.
    public struct Iterator: IteratorProtocol {
        private let ticks: Ticks
        private var hasEnded = false

        fileprivate init(ticks: Ticks) {
            self.ticks = ticks
        }

        /// Waits for the next tick, like ``Ticks/next()``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<HubInstant, any Error>? {
            nextElement(&hasEnded) { try ticks.next() }
        }
    }
}

@available(*, unavailable)
extension Ticks.Iterator: Sendable {}
