internal import CGreen

/// Items that go from green thread to green thread, first in, first out.
///
/// ```swift
/// let jobs = Queue<Job>(capacity: 100)
/// spawn {
///     while let job = try jobs.next() {
///         try job.run()
///     }
/// }
/// try jobs.put(Job())
/// jobs.close()
/// ```
///
/// A queue without a capacity takes any number of items. One with a capacity makes those who put wait while it is
/// full. A capacity of 0 makes a channel, which holds nothing: a put returns when a get has taken its item.
///
/// Waiting threads are served in the order they came. One that is killed or runs out of time takes nothing and leaves
/// nothing behind. Items lie in the queue itself, or go straight from thread to thread; none costs an allocation.
/// Those that are left in it when the last reference is gone are destroyed with it.
///
/// ``LIFOQueue`` and ``PriorityQueue`` hold their items in other orders and are queues in everything else.
///
/// A queue belongs to the OS thread that first uses it; so it is not `Sendable`.
@safe
public class Queue<Item> {
    /// Owned.
    @safe final let handle: OpaquePointer

    /// The core borrows it.
    private final let items: QueueItems

    /// Makes an empty queue.
    ///
    /// - Parameter capacity: How many items it holds: nil is any number, 0 none, which makes it a channel. A negative
    ///   one is a mistake that ends the process.
    @inlinable
    public convenience init(capacity: Int? = nil) {
        self.init(capacity: capacity, order: .fifo, items: QueueItems(Item.self))
    }

    @usableFromInline
    init(capacity: Int?, order: QueueOrder, items: QueueItems) {
        var options = unsafe green_queue_options()
        unsafe options.element_size = MemoryLayout<Item>.stride
        unsafe options.alignment = MemoryLayout<Item>.alignment
        unsafe options.capacity = coreCapacity(capacity)
        unsafe options.order = order.core
        unsafe items.describe(in: &options)
        var handle: OpaquePointer?
        unsafe checkOrTrap(green_queue_make(&handle, &options))
        unsafe self.handle = handle!
        self.items = items
    }

    deinit {
        unsafe green_queue_free(handle)
    }
}

@available(*, unavailable)
extension Queue: Sendable {}

extension Queue {
    /// How many items it holds at most; nil is any number, 0 a channel.
    public var capacity: Int? {
        let capacity = unsafe green_queue_capacity(handle)
        return capacity == GREEN_UNBOUNDED ? nil : Int(capacity)
    }

    /// Changes the capacity. Does not block.
    ///
    /// More room lets waiting puts go on at once. Above a smaller capacity the items stay, and no put succeeds until
    /// there are fewer.
    ///
    /// - Parameter capacity: The new capacity: nil is any number, 0 a channel. A negative one is a mistake that ends
    ///   the process, and so is a call on another OS thread.
    @available(*, noasync)
    public func resize(capacity: Int?) {
        unsafe checkOrTrap(green_queue_resize(handle, coreCapacity(capacity)))
    }

    /// How many items are in the queue; always 0 in a channel.
    public var count: Int {
        unsafe green_queue_count(handle)
    }

    /// Whether no item is in the queue. Always, for a channel.
    public var isEmpty: Bool {
        count == 0
    }

    /// Whether a put would have to wait for a get. Always, for a channel.
    public var isFull: Bool {
        unsafe green_queue_is_full(handle)
    }

    /// How many threads wait to get an item.
    public var gettingCount: Int {
        unsafe green_queue_getting(handle)
    }

    /// How many threads wait with an item to put.
    public var puttingCount: Int {
        unsafe green_queue_putting(handle)
    }

    /// Ends the queue: from here on every put throws ``QueueClosed``, and so does a get once the queue is empty.
    ///
    /// Those who wait get that error at once. Does nothing the second time, and does not block. A call on another OS
    /// thread is a mistake that ends the process.
    @available(*, noasync)
    public func close() {
        unsafe checkOrTrap(green_queue_close(handle))
    }

    /// Whether ``close()`` was called. There may still be items to get.
    public var isClosed: Bool {
        unsafe green_queue_is_closed(handle)
    }
}

/// The capacity in the core's terms.
private func coreCapacity(_ capacity: Int?) -> Int64 {
    guard let capacity else { return GREEN_UNBOUNDED }
    guard capacity >= 0 else { fatalError("a queue cannot have a capacity of \(capacity); nil is one without limit") }
    return Int64(capacity)
}
