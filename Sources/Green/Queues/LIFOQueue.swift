/// A ``Queue`` that gives its items out last in, first out.
///
/// The order is one of the items it holds: waiting threads are served in the order they came here too.
@safe
public final class LIFOQueue<Item>: Queue<Item> {
    /// Makes an empty queue.
    ///
    /// - Parameter capacity: How many items it holds: nil is any number, 0 none, which makes it a channel. A negative
    ///   one is a mistake that ends the process.
    @inlinable
    public init(capacity: Int? = nil) {
        super.init(capacity: capacity, order: .lifo, items: QueueItems(Item.self))
    }
}
