/// A ``Queue`` that returns its items last in, first out.
///
/// This is the order of the items. Waiting threads are served first come, first served, as in every queue.
@safe
public final class LIFOQueue<Item>: Queue<Item> {
    /// Creates an empty queue.
    ///
    /// - Parameter capacity: The maximum number of items; nil means no limit, with 0 a put waits for a get. A negative
    ///   number ends the process.
    @inlinable
    public init(capacity: Int? = nil) {
        super.init(capacity: capacity, order: .lifo, items: QueueItems(Item.self))
    }
}
