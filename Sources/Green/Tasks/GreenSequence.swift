internal import Synchronization

/// The elements of an async sequence, for green threads.
///
/// ```swift
/// let lines = GreenSequence(of: url.lines)
/// while let line = try lines.next() {
///     print(line)
/// }
/// ```
///
/// A call of ``next(timeout:)`` makes the async sequence produce one element, and blocks only the calling green thread.
/// Nothing is produced ahead: a slow thread applies back-pressure, and no buffer grows.
///
/// The sequence runs in one Task, by default on the hub of its creator, with the task-locals of the creator. When the
/// last reference to this object is released, such as after a `break`, the Task is cancelled, and then releases the
/// iterator of the sequence.
///
/// A call that is interrupted or whose timeout expires loses no element: the next call returns the one that it waited
/// for. Several threads, also of several hubs, may call it; each element goes to one of them.
public final class GreenSequence<Element: Sendable>: Sendable {
    /// One item for each element that is to be produced.
    private let requests = Channel<Void>()

    /// Closed at the end of the sequence.
    private let elements = Channel<Result<Element, any Error>>()

    private let demand = Mutex(Demand())
    private let task: Task<Void, Never>

    /// Starts to iterate over an async sequence. Does not block.
    ///
    /// - Parameters:
    ///   - sequence: The sequence. It passes to a Task, so other code must not use it, unless it is `Sendable`.
    ///   - executor: The executor that the Task prefers; nil means the caller's hub, or Swift's thread pool on an OS
    ///     thread without a hub. `globalConcurrentExecutor` is Swift's thread pool.
    public init<Base: AsyncSequence>(
        of sequence: sending Base,
        on executor: (any TaskExecutor)? = nil
    ) where Base.Element == Element, Base: SendableMetatype, Base.AsyncIterator: SendableMetatype {
        task = Task(executorPreference: executor ?? Hub.ofThisOSThread) { [requests, elements] in
            do {
                var iterator = sequence.makeAsyncIterator()
                while try await requests.next() != nil, let element = try await iterator.next() {
                    _ = try elements.trySend(.success(element))
                }
            } catch {
                _ = try? elements.trySend(.failure(error))
            }
            elements.close()
        }
    }

    deinit {
        TaskCanceller(task).cancel()
    }

    /// Waits for the next element.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The element; nil after the last one.
    /// - Throws: The error of the sequence, once; then its end is reached. A ``SystemError`` with the code `timedOut` if
    ///   the timeout expires. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func next(timeout: Duration? = nil) throws -> Element? {
        try take(timeout: timeout)?.get()
    }

    /// Throws only what ended the wait.
    private func take(timeout: Duration?) throws -> Result<Element, any Error>? {
        let mustRequest = demand.withLock { $0.begin() }
        var isTaken = false
        defer { demand.withLock { $0.end(isTaken: isTaken) } }
        if mustRequest {
            do {
                _ = try requests.trySend(())
            } catch {
                isTaken = true  // so that the next call requests it
                throw error
            }
        }
        let element = try elements.next(timeout: timeout)
        isTaken = element != nil
        return element
    }
}

/// The elements that calls wait for, and those that were requested.
private struct Demand {
    private var calls = 0

    /// Requested, and not taken.
    private var elements = 0

    /// Returns whether the call must request an element, because each one that is on its way is another call's.
    mutating func begin() -> Bool {
        calls += 1
        guard elements < calls else { return false }
        elements += 1
        return true
    }

    mutating func end(isTaken: Bool) {
        calls -= 1
        elements -= isTaken ? 1 : 0
    }
}

extension GreenSequence: Sequence {
    /// Iterates over the elements, for a `for` loop and the algorithms of sequences.
    ///
    /// ```swift
    /// for line in GreenSequence(of: url.lines) {
    ///     print(try line.get())
    /// }
    /// ```
    ///
    /// A `Sequence` cannot throw, so each element is a `Result`. After an interrupt, such as ``GreenExit``, the
    /// iteration can continue. The error of the async sequence, or a ``SystemError``, is the last element. A `while let`
    /// loop with ``next(timeout:)`` is simpler.
    ///
    /// All iterators take from the same async sequence.
    public func makeIterator() -> Iterator {
        Iterator(sequence: self)
    }

    /// An iterator over the elements of an async sequence.
    public struct Iterator: IteratorProtocol {
        private let sequence: GreenSequence
        private var hasEnded = false

        fileprivate init(sequence: GreenSequence) {
            self.sequence = sequence
        }

        /// Waits for the next element, like ``GreenSequence/next(timeout:)``. Blocks.
        @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
        public mutating func next() -> Result<Element, any Error>? {
            let element = nextElement(&hasEnded, endingWith: wouldFailAgain) { try sequence.take(timeout: nil) }
            return element?.flatMap { $0 }
        }
    }
}

@available(*, unavailable)
extension GreenSequence.Iterator: Sendable {}
