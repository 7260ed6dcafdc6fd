/// The iterator of a ``GreenMap``, a ``GreenPile`` and a ``GreenGroup``.
///
/// If a wait fails, for example because the caller was interrupted, its error is the last element.
public struct ResultIterator<Value>: IteratorProtocol {
    @usableFromInline
    let take: () throws -> Result<Value, any Error>?

    @usableFromInline
    var hasFailed = false

    @inlinable
    init(_ take: @escaping () throws -> Result<Value, any Error>?) {
        self.take = take
    }

    /// Returns the next result. Blocks until it is available.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public mutating func next() -> Result<Value, any Error>? {
        guard !hasFailed else { return nil }
        do {
            return try take()
        } catch {
            hasFailed = true
            return .failure(error)
        }
    }
}

@available(*, unavailable)
extension ResultIterator: Sendable {}
