/// The values that blocking calls of a hub return, for `async` functions.
///
/// ```swift
/// let lines = socket.lines.values          // on the hub of the socket
/// Task {
///     for try await line in lines {
///         await store.add(line)
///     }
/// }
/// ```
///
/// `values` of ``Socket/Lines``, ``Socket/Chunks`` and ``Signals`` return one. These objects belong to their hub, so
/// read `values` there; the sequence itself may be used by Tasks on any executor. Only the Task waits.
///
/// Each step makes one call in a green thread of the hub, and waits for its end. Nothing is read ahead: a slow loop
/// applies back-pressure to the peer, and after the loop the hub reads what follows. If the Task is cancelled, the call
/// is killed, and the step throws `CancellationError`. A call that has its value by then returns it, so no value is
/// lost.
public struct HubSequence<Element: Sendable>: AsyncSequence, Sendable {
    /// Used by the green threads of the hub. Any OS thread may release it, like the objects of Green.
    private final class Source: @unchecked Sendable {
        let next: () throws -> Element?

        init(_ next: @escaping () throws -> Element?) {
            self.next = next
        }
    }

    private let source: Source
    private let hub: Result<Hub, any Error>

    /// Call it on the OS thread of the hub that calls the function.
    init(_ next: @escaping () throws -> Element?) {
        source = Source(next)
        hub = Result { try Hub.current }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(sequence: self)
    }

    nonisolated(nonsending) private func next() async throws -> Element? {
        try await hub.get().run(name: "async sequence") { [source] in try source.next() }
    }

    /// An iterator that makes one call for each element.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let sequence: HubSequence
        private var hasEnded = false

        fileprivate init(sequence: HubSequence) {
            self.sequence = sequence
        }

        /// Waits for the next value.
        ///
        /// - Returns: The value; nil at the end.
        /// - Throws: The error of the call, such as a ``SystemError``. `CancellationError` if the Task is cancelled. A
        ///   ``SystemError`` with the code `noSuchProcess` if the hub has ended.
        nonisolated(nonsending) public mutating func next() async throws -> Element? {
            guard !hasEnded else { return nil }
            let element = try await sequence.next()
            hasEnded = element == nil
            return element
        }

        /// Waits for the next value.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            try await next()
        }
    }
}

@available(*, unavailable)
extension HubSequence.Iterator: Sendable {}
