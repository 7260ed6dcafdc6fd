internal import CGreen

extension When {
    /// A case that gets an item from a queue, like ``Queue/get(timeout:)``.
    ///
    /// If the queue is closed and empty, the select throws ``QueueClosed``; `When.next` does not.
    ///
    /// - Parameters:
    ///   - queue: The queue.
    ///   - body: The code to run with the item.
    @inlinable
    public static func get<Item>(
        _ queue: Queue<Item>,
        _ body: @escaping (Item) throws -> Output
    ) -> When where Source == SelectGet<Item> {
        When(source: SelectGet(queue: queue), body: body)
    }

    /// A case that gets an item from a queue, like ``Queue/next(timeout:)``.
    ///
    /// - Parameters:
    ///   - queue: The queue.
    ///   - body: The code to run with the item, or with nil if the queue is closed and empty.
    @inlinable
    public static func next<Item>(
        _ queue: Queue<Item>,
        _ body: @escaping (Item?) throws -> Output
    ) -> When where Source == SelectNext<SelectGet<Item>> {
        When(source: SelectNext(source: SelectGet(queue: queue)), body: body)
    }

    /// A case that puts an item into a queue, like ``Queue/put(_:timeout:)``. The item is put only if the case is
    /// served.
    ///
    /// If the queue is closed, the select throws ``QueueClosed``.
    ///
    /// - Parameters:
    ///   - item: The item.
    ///   - queue: The queue.
    ///   - body: The code to run after the item was put.
    @inlinable
    public static func put<Item>(
        _ item: Item,
        into queue: Queue<Item>,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectPut<Item> {
        When(source: SelectPut(queue: queue, item: item), body: body)
    }
}

/// The source of ``When/get(_:_:)``.
public struct SelectGet<Item>: SelectSource {
    @usableFromInline
    let queue: Queue<Item>

    @inlinable
    init(queue: Queue<Item>) {
        self.queue = queue
    }

    @inlinable
    public static var bytes: Int { SelectRoom<Item>.bytes }

    @inlinable
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe queue.prepareGet(slot, SelectRoom<Item>.place(room))
    }

    @inlinable
    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Item {
        try unsafe SelectRoom<Item>.take(slot, room, failure: queueFailure)
    }
}

/// The source of ``When/put(_:into:_:)``.
public struct SelectPut<Item>: SelectSource {
    @usableFromInline
    let queue: Queue<Item>

    @usableFromInline
    let item: Item

    @inlinable
    init(queue: Queue<Item>, item: Item) {
        self.queue = queue
        self.item = item
    }

    @inlinable
    public static var bytes: Int { SelectRoom<Item>.bytes }

    @inlinable
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe queue.preparePut(slot, SelectRoom<Item>.fill(room, with: item))
    }

    @inlinable
    public func discard(_ room: UnsafeMutableRawPointer) {
        unsafe SelectRoom<Item>.empty(room)
    }

    @inlinable
    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws {
        try unsafe SelectRoom<Item>.checkGiven(slot, room, failure: queueFailure)
    }
}

extension Queue {
    @usableFromInline
    func prepareGet(_ slot: UnsafeMutableRawPointer, _ place: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_get(handle, place))
    }

    @usableFromInline
    func preparePut(_ slot: UnsafeMutableRawPointer, _ place: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_put(handle, place))
    }
}
