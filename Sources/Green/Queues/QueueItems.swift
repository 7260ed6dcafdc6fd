internal import CGreen

/// The order in which a queue returns its items.
@usableFromInline
enum QueueOrder {
    case fifo
    case lifo
    case priority

    var core: green_queue_order {
        switch self {
        case .fifo: GREEN_FIFO
        case .lifo: GREEN_LIFO
        case .priority: GREEN_PRIORITY
        }
    }
}

/// How to move, destroy and compare the items of a queue or a channel, for the core.
///
/// The functions are created where the type of the items is known, and capture nothing for most queues. The core calls
/// them only where an item cannot be moved directly into a slot of a queue and out of it.
@usableFromInline
@safe
final class QueueItems {
    @usableFromInline
    let move: (_ target: UnsafeMutableRawPointer, _ source: UnsafeMutableRawPointer) -> Void

    @usableFromInline
    let destroy: (UnsafeMutableRawPointer) -> Void

    @usableFromInline
    let precedes: (_ first: UnsafeRawPointer, _ second: UnsafeRawPointer) -> Bool

    /// For a queue that does not compare its items.
    @inlinable
    convenience init<Item>(_: Item.Type) {
        unsafe self.init(Item.self) { _, _ in false }
    }

    /// For a queue that orders its items.
    @inlinable
    convenience init<Item>(orderedBy areInIncreasingOrder: @escaping (Item, Item) -> Bool) {
        unsafe self.init(Item.self) {
            unsafe areInIncreasingOrder(
                $0.assumingMemoryBound(to: Item.self).pointee,
                $1.assumingMemoryBound(to: Item.self).pointee
            )
        }
    }

    @inlinable
    init<Item>(_: Item.Type, precedes: @escaping (UnsafeRawPointer, UnsafeRawPointer) -> Bool) {
        unsafe move = { target, source in
            unsafe target.moveInitializeMemory(as: Item.self, from: source.assumingMemoryBound(to: Item.self), count: 1)
        }
        unsafe destroy = { place in
            unsafe place.assumingMemoryBound(to: Item.self).deinitialize(count: 1)
        }
        unsafe self.precedes = unsafe precedes
    }

    /// Fills in the core's options. The core retains this object, because a queue whose last reference is released on
    /// another OS thread destroys its items later.
    func describe(in options: inout green_queue_options) {
        unsafe options.context = Unmanaged.passRetained(self).toOpaque()
        unsafe options.release = { unsafe Unmanaged<QueueItems>.fromOpaque($0!).release() }
        unsafe options.move = moveItem
        unsafe options.destroy = destroyItem
        unsafe options.precedes = { first, second, context in
            unsafe QueueItems.with(context) { unsafe $0.precedes(first, second) }
        }
    }

    /// Does the same for a channel, whose owner must retain this object as long as the channel.
    func describe(in options: inout green_channel_options) {
        unsafe options.context = Unmanaged.passUnretained(self).toOpaque()
        unsafe options.move = moveItem
        unsafe options.destroy = destroyItem
    }

    /// Calls the body with the object, which the owner of the queue retains. Retaining the closure for each call would
    /// double the cost of a comparison.
    @inline(__always)
    fileprivate static func with<Result>(_ context: UnsafeMutableRawPointer?, _ body: (QueueItems) -> Result) -> Result
    {
        unsafe Unmanaged<QueueItems>.fromOpaque(context!)._withUnsafeGuaranteedRef(body)
    }
}

private func moveItem(
    _ target: UnsafeMutableRawPointer,
    _ source: UnsafeMutableRawPointer,
    _ context: UnsafeMutableRawPointer?
) {
    unsafe QueueItems.with(context) { unsafe $0.move(target, source) }
}

private func destroyItem(_ item: UnsafeMutableRawPointer, _ context: UnsafeMutableRawPointer?) {
    unsafe QueueItems.with(context) { unsafe $0.destroy(item) }
}
