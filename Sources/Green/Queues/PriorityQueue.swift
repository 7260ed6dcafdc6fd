/// A ``Queue`` that gives out the lowest of its items first, and equal ones in the order they came.
///
/// ```swift
/// let jobs = PriorityQueue<Job> { $0.deadline < $1.deadline }
/// ```
///
/// The order is one of the items it holds: waiting threads are served in the order they came here too.
@safe
public final class PriorityQueue<Item>: Queue<Item> {
    /// Makes an empty queue whose lowest item, by `<`, comes first.
    ///
    /// - Parameter capacity: How many items it holds: nil is any number, 0 none, which makes it a channel. A negative
    ///   one is a mistake that ends the process.
    @inlinable
    public init(capacity: Int? = nil) where Item: Comparable {
        super.init(capacity: capacity, order: .priority, items: QueueItems(orderedBy: { (a: Item, b: Item) in a < b }))
    }

    /// Makes an empty queue with an order of its own.
    ///
    /// - Parameters:
    ///   - capacity: How many items it holds: nil is any number, 0 none, which makes it a channel. A negative one is a
    ///     mistake that ends the process.
    ///   - areInIncreasingOrder: Whether its first argument is to come before its second one: a strict weak order, as
    ///     for `sort(by:)`. It must not block.
    @inlinable
    public init(capacity: Int? = nil, by areInIncreasingOrder: @escaping (Item, Item) -> Bool) {
        super.init(capacity: capacity, order: .priority, items: QueueItems(orderedBy: areInIncreasingOrder))
    }
}
