internal import CGreen
internal import Glibc
public import SystemPackage

extension When {
    /// A case that waits until a socket can be read: a read would probably not block.
    ///
    /// It is ready if the socket has received bytes, or the end of the stream. A socket that has a reader already fails
    /// with a ``SystemError`` with the code `resourceBusy`, and a closed one with `badFileDescriptor`. With TLS, make
    /// the handshake first; a read may still wait for the rest of a record. ``Socket/readTimeout`` does not apply.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - body: The code to run, which reads.
    @inlinable
    public static func readable(
        _ socket: Socket,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectSocket {
        When(source: SelectSocket(socket: socket, writes: false), body: body)
    }

    /// A case that waits until a socket can be written to: a write of a few bytes would not block.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - body: The code to run, which writes.
    @inlinable
    public static func writable(
        _ socket: Socket,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectSocket {
        When(source: SelectSocket(socket: socket, writes: true), body: body)
    }

    /// A case that waits until a descriptor is ready, like ``GreenThread/wait(for:_:timeout:)``.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor, which must remain open during the call.
    ///   - events: The events to wait for, at least one.
    ///   - body: The code to run with the events that the descriptor has.
    @inlinable
    public static func ready(
        _ descriptor: FileDescriptor,
        _ events: PollEvents,
        _ body: @escaping (PollEvents) throws -> Output
    ) -> When where Source == SelectDescriptor {
        When(source: SelectDescriptor(descriptor: descriptor, events: events), body: body)
    }
}

/// The source of ``When/readable(_:_:)`` and ``When/writable(_:_:)``.
public struct SelectSocket: SelectSource {
    @usableFromInline
    let socket: Socket

    @usableFromInline
    let writes: Bool

    @usableFromInline
    init(socket: Socket, writes: Bool) {
        self.socket = socket
        self.writes = writes
    }

    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe prepareCase(
            slot,
            writes ? green_case_writable(socket.handle) : green_case_readable(socket.handle)
        )
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws {
        try unsafe checkCase(slot)
    }
}

/// The source of ``When/ready(_:_:_:)``.
public struct SelectDescriptor: SelectSource {
    @usableFromInline
    let descriptor: FileDescriptor

    @usableFromInline
    let events: PollEvents

    @usableFromInline
    init(descriptor: FileDescriptor, events: PollEvents) {
        self.descriptor = descriptor
        self.events = events
    }

    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_fd(descriptor.rawValue, events.rawValue))
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> PollEvents {
        let served = unsafe servedCase(slot)
        try unsafe check(served.error)
        return unsafe PollEvents(rawValue: Int16(truncatingIfNeeded: served.result))
    }
}
