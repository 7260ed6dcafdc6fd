internal import CGreen

/// A queue of items between green threads, first in, first out.
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
/// A queue without a capacity holds any number of items. A queue with a capacity applies back-pressure: `put` blocks
/// while the queue is full. A queue with a capacity of 0 holds nothing: `put` returns when a `get` has taken its item.
///
/// Waiting threads are served first come, first served. A thread whose wait is interrupted or expires puts and takes
/// nothing. Items are stored in the queue itself, or pass directly from thread to thread, without an allocation for
/// each. Items that are left are destroyed with the queue.
///
/// ``LIFOQueue`` and ``PriorityQueue`` differ only in the order of their items.
///
/// A queue belongs to the OS thread that first uses it, so it is not `Sendable`. A ``Channel`` is for any OS threads.
@safe
public class Queue<Item> {
    /// Owned.
    @safe final let handle: OpaquePointer

    /// Creates an empty queue.
    ///
    /// - Parameter capacity: The maximum number of items. Nil means no limit; with 0, the queue is a rendezvous. A
    ///   negative number ends the process.
    @inlinable
    public convenience init(capacity: Int? = nil) {
        self.init(capacity: capacity, order: .fifo, items: QueueItems(Item.self))
    }

    @usableFromInline
    init(capacity: Int?, order: QueueOrder, items: QueueItems) {
        var options = unsafe green_queue_options()
        unsafe options.element_size = MemoryLayout<Item>.stride
        unsafe options.alignment = MemoryLayout<Item>.alignment
        unsafe options.capacity = coreCapacity(capacity, of: "a queue")
        unsafe options.order = order.core
        unsafe items.describe(in: &options)
        var handle: OpaquePointer?
        unsafe checkOrTrap(green_queue_make(&handle, &options))
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_queue_free(handle)
    }
}

@available(*, unavailable)
extension Queue: Sendable {}

extension Queue {
    /// The maximum number of items; nil means no limit.
    public var capacity: Int? {
        let capacity = unsafe green_queue_capacity(handle)
        return capacity == GREEN_UNBOUNDED ? nil : Int(capacity)
    }

    /// Changes the capacity. Does not block.
    ///
    /// A larger capacity completes waiting puts at once. With a smaller one, items above it stay, and puts block until
    /// there is room.
    ///
    /// - Parameter capacity: The new capacity; nil means no limit, with 0 a put waits for a get. A negative number ends
    ///   the process, as does a call on another OS thread.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func resize(capacity: Int?) {
        unsafe checkOrTrap(green_queue_resize(handle, coreCapacity(capacity, of: "a queue")))
    }

    /// The number of items in the queue; always 0 with a capacity of 0.
    public var count: Int {
        unsafe green_queue_count(handle)
    }

    /// Whether the queue holds no item. Always true with a capacity of 0.
    public var isEmpty: Bool {
        count == 0
    }

    /// Whether a put would block. Always true with a capacity of 0.
    public var isFull: Bool {
        unsafe green_queue_is_full(handle)
    }

    /// The number of threads that wait to get an item.
    public var gettingCount: Int {
        unsafe green_queue_getting(handle)
    }

    /// The number of threads that wait to put an item.
    public var puttingCount: Int {
        unsafe green_queue_putting(handle)
    }

    /// Closes the queue: every put throws ``QueueClosed`` from now on, and so does a get once the queue is empty.
    ///
    /// Threads that wait get that error at once. Does nothing the second time, and does not block. A call on another OS
    /// thread ends the process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func close() {
        unsafe checkOrTrap(green_queue_close(handle))
    }

    /// Whether ``close()`` was called. The queue may still hold items.
    public var isClosed: Bool {
        unsafe green_queue_is_closed(handle)
    }
}
