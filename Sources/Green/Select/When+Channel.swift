internal import CGreen

extension When {
    /// A case that receives an item from a channel, like ``Channel/receive(timeout:)``.
    ///
    /// If the channel is closed and empty, the select throws ``ChannelClosed``; `When.next` does not.
    ///
    /// - Parameters:
    ///   - channel: The channel.
    ///   - body: The code to run with the item.
    @inlinable
    public static func receive<Item: Sendable>(
        _ channel: Channel<Item>,
        _ body: @escaping (Item) throws -> Output
    ) -> When where Source == SelectReceive<Item> {
        When(source: SelectReceive(channel: channel), body: body)
    }

    /// A case that receives an item from a channel, like ``Channel/next(timeout:)``.
    ///
    /// - Parameters:
    ///   - channel: The channel.
    ///   - body: The code to run with the item, or with nil if the channel is closed and empty.
    @inlinable
    public static func next<Item: Sendable>(
        _ channel: Channel<Item>,
        _ body: @escaping (Item?) throws -> Output
    ) -> When where Source == SelectNext<SelectReceive<Item>> {
        When(source: SelectNext(source: SelectReceive(channel: channel)), body: body)
    }

    /// A case that sends an item into a channel, like ``Channel/send(_:timeout:)``. The item is sent only if the
    /// case is served.
    ///
    /// If the channel is closed, the select throws ``ChannelClosed``.
    ///
    /// - Parameters:
    ///   - item: The item.
    ///   - channel: The channel.
    ///   - body: The code to run after the item was sent.
    @inlinable
    public static func send<Item: Sendable>(
        _ item: Item,
        into channel: Channel<Item>,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectSend<Item> {
        When(source: SelectSend(channel: channel, item: item), body: body)
    }
}

/// The source of ``When/receive(_:_:)``.
public struct SelectReceive<Item: Sendable>: SelectSource {
    @usableFromInline
    let channel: Channel<Item>

    @inlinable
    init(channel: Channel<Item>) {
        self.channel = channel
    }

    @inlinable
    public static var bytes: Int { SelectRoom<Item>.bytes }

    @inlinable
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe channel.prepareReceive(slot, SelectRoom<Item>.place(room))
    }

    @inlinable
    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Item {
        try unsafe SelectRoom<Item>.take(slot, room, failure: channelFailure)
    }
}

/// The source of ``When/send(_:into:_:)``.
public struct SelectSend<Item: Sendable>: SelectSource {
    @usableFromInline
    let channel: Channel<Item>

    @usableFromInline
    let item: Item

    @inlinable
    init(channel: Channel<Item>, item: Item) {
        self.channel = channel
        self.item = item
    }

    @inlinable
    public static var bytes: Int { SelectRoom<Item>.bytes }

    @inlinable
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe channel.prepareSend(slot, SelectRoom<Item>.fill(room, with: item))
    }

    @inlinable
    public func discard(_ room: UnsafeMutableRawPointer) {
        unsafe SelectRoom<Item>.empty(room)
    }

    @inlinable
    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws {
        try unsafe SelectRoom<Item>.checkGiven(slot, room, failure: channelFailure)
    }
}

extension Channel {
    @usableFromInline
    func prepareReceive(_ slot: UnsafeMutableRawPointer, _ place: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_receive(handle, place))
    }

    @usableFromInline
    func prepareSend(_ slot: UnsafeMutableRawPointer, _ place: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_send(handle, place))
    }
}
