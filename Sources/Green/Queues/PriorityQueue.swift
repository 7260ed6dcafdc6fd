/// A ``Queue`` that returns its lowest item first, and equal items in the order they were put.
///
/// ```swift
/// let jobs = PriorityQueue<Job> { $0.deadline < $1.deadline }
/// ```
///
/// This is the order of the items. Waiting threads are served first come, first served, as in every queue.
@safe
public final class PriorityQueue<Item>: Queue<Item> {
    /// Creates an empty queue that returns the lowest item, by `<`, first.
    ///
    /// - Parameter capacity: The maximum number of items; nil means no limit, with 0 a put waits for a get. A negative
    ///   number ends the process.
    @inlinable
    public init(capacity: Int? = nil) where Item: Comparable {
        super.init(capacity: capacity, order: .priority, items: QueueItems(orderedBy: { (a: Item, b: Item) in a < b }))
    }

    /// Creates an empty queue with the given order.
    ///
    /// - Parameters:
    ///   - capacity: The maximum number of items; nil means no limit, with 0 a put waits for a get. A negative number
    ///     ends the process.
    ///   - areInIncreasingOrder: Returns whether its first argument comes before its second: a strict weak order, as
    ///     for `sort(by:)`. It must not block.
    @inlinable
    public init(capacity: Int? = nil, by areInIncreasingOrder: @escaping (Item, Item) -> Bool) {
        super.init(capacity: capacity, order: .priority, items: QueueItems(orderedBy: areInIncreasingOrder))
    }
}
