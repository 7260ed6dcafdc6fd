/// Takes what is waited for one by one, for a `for` loop and the algorithms of sequences: the iterator of a
/// ``GreenMap``, a ``GreenPile`` and a ``GreenGroup``.
///
/// What could not be waited for, because the caller was interrupted say, is the last element.
public struct ResultIterator<Value>: IteratorProtocol {
    @usableFromInline
    let take: () throws -> Result<Value, any Error>?

    @usableFromInline
    var hasFailed = false

    @inlinable
    init(_ take: @escaping () throws -> Result<Value, any Error>?) {
        self.take = take
    }

    /// Takes the next result. Blocks until there is one.
    @available(*, noasync)
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
