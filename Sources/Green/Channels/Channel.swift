internal import CGreen

/// A queue of items between green threads of any hubs, other OS threads and callbacks, first in, first out.
///
/// ```swift
/// let jobs = Channel<Job>(capacity: 100)
/// for hub in hubs {
///     hub.detach {
///         while let job = try jobs.next() {
///             try job.run()
///         }
///     }
/// }
/// try jobs.send(Job())
/// jobs.close()
/// ```
///
/// A channel without a capacity holds any number of items. A channel with a capacity applies back-pressure: `send`
/// blocks while the channel is full. A channel with a capacity of 0 holds nothing: `send` returns when a `receive` has
/// taken its item.
///
/// Any OS thread may use a channel, several at once. On an OS thread with a hub, a call that waits lets other green
/// threads run. On an OS thread without one, such as those of Dispatch, it blocks the OS thread. ``trySend(_:)``,
/// ``tryReceive()`` and ``close()`` never wait, so callbacks and `async` functions may call them.
///
/// If several OS threads use a channel with a capacity other than 0, a call that has to wait may first spin for up to 20
/// microseconds, which takes processor time: if the last such wait was short, and the hub has nothing else to run.
///
/// Waiting threads are served in order of arrival. A thread whose wait is interrupted or expires sends and takes
/// nothing. Items are stored in the channel itself, or pass directly from thread to thread, without an allocation for
/// each. Items that are left are destroyed with the channel.
///
/// A thread that waits for a channel never counts as a deadlock, because another OS thread could end its wait. Between
/// green threads of one hub, a ``Queue`` costs less.
@safe
public final class Channel<Item: Sendable>: Sendable {
    /// Owned. The core locks what may change.
    @safe nonisolated(unsafe) let handle: OpaquePointer

    /// The core borrows it. Its functions capture nothing.
    @safe private nonisolated(unsafe) let items: QueueItems

    /// Creates an empty channel.
    ///
    /// - Parameter capacity: The maximum number of items; nil means no limit, with 0 a send waits for a receive. A
    ///   negative number ends the process.
    @inlinable
    public convenience init(capacity: Int? = nil) {
        self.init(capacity: capacity, items: QueueItems(Item.self))
    }

    @usableFromInline
    init(capacity: Int?, items: QueueItems) {
        var options = unsafe green_channel_options()
        unsafe options.element_size = MemoryLayout<Item>.stride
        unsafe options.alignment = MemoryLayout<Item>.alignment
        unsafe options.capacity = coreCapacity(capacity, of: "a channel")
        unsafe items.describe(in: &options)
        var handle: OpaquePointer?
        unsafe checkOrTrap(green_channel_make(&handle, &options))
        unsafe self.handle = handle!
        self.items = items
    }

    deinit {
        unsafe green_channel_release(handle)
    }
}

extension Channel {
    /// The maximum number of items; nil means no limit.
    public var capacity: Int? {
        let capacity = unsafe green_channel_capacity(handle)
        return capacity == GREEN_UNBOUNDED ? nil : Int(capacity)
    }

    /// The number of items in the channel. Other OS threads may change it at any time.
    public var count: Int {
        unsafe green_channel_count(handle)
    }

    /// Whether the channel holds no item. Other OS threads may change it at any time.
    public var isEmpty: Bool {
        count == 0
    }

    /// The number of threads that wait to receive an item. Other OS threads may change it at any time.
    public var receivingCount: Int {
        unsafe green_channel_receiving(handle)
    }

    /// The number of threads that wait to send an item. Other OS threads may change it at any time.
    public var sendingCount: Int {
        unsafe green_channel_sending(handle)
    }

    /// Closes the channel: every send throws ``ChannelClosed`` from now on, and so does a receive once the channel is
    /// empty.
    ///
    /// Threads that wait get that error at once. Does nothing the second time, and does not block. Call it on any OS
    /// thread, also in callbacks. In a forked child, closing a channel of the parent ends the process.
    public func close() {
        unsafe checkOrTrap(green_channel_close(handle))
    }

    /// Whether ``close()`` was called. The channel may still hold items.
    public var isClosed: Bool {
        unsafe green_channel_is_closed(handle)
    }
}
