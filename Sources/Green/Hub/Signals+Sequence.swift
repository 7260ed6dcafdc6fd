extension Signals: Sequence {
    /// Iterates over the signals as they arrive, for a `for` loop.
    ///
    /// ```swift
    /// for signal in signals {
    ///     switch try signal.get() {
    ///     case .hangup: try reload()
    ///     default: return
    ///     }
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. After an interrupt, such as ``GreenExit``, the
    /// iteration can continue. A ``SystemError`` or a ``DeadlockError``, which would come again, is the last element.
    /// ``next(timeout:)`` is simpler.
    public func makeIterator() -> Iterator {
        Iterator(signals: self)
    }

    /// The signals for `for try await` in `async` functions. Read it on the hub of this object.
    public var values: HubSequence<Signal> {
        HubSequence { try self.next() }
    }

    /// An iterator that waits for signals.
    public struct Iterator: IteratorProtocol {
        private let signals: Signals
        private var hasEnded = false

        fileprivate init(signals: Signals) {
            self.signals = signals
        }

        /// Waits for the next signal, like ``Signals/next(timeout:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<Signal, any Error>? {
            nextElement(&hasEnded, endingWith: wouldFailAgain) { try signals.next() }
        }
    }
}

@available(*, unavailable)
extension Signals.Iterator: Sendable {}
