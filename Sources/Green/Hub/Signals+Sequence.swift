extension Signals: Sequence {
    /// The signals, each as it comes, for a `for` loop.
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
    /// `for try` is for asynchronous sequences, and a `Sequence` cannot throw; so each element is a result. After a
    /// failure that is an interrupt, such as ``GreenExit``, iteration can go on; a ``SystemError`` or a
    /// ``DeadlockError``, which would come again, is the last element. ``next(timeout:)`` does the same with less ado.
    public func makeIterator() -> Iterator {
        Iterator(signals: self)
    }

    /// Waits for signals, for each when it is asked for.
    public struct Iterator: IteratorProtocol {
        private let signals: Signals
        private var hasEnded = false

        fileprivate init(signals: Signals) {
            self.signals = signals
        }

        /// Waits for the next signal, as ``Signals/next(timeout:)`` does. Blocks.
        @available(*, noasync)
        public mutating func next() -> Result<Signal, any Error>? {
            guard !hasEnded else { return nil }
            do {
                return .success(try signals.next())
            } catch {
                hasEnded = error is SystemError || error is DeadlockError
                return .failure(error)
            }
        }
    }
}

@available(*, unavailable)
extension Signals.Iterator: Sendable {}
