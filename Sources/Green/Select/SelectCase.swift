/// What ``select(timeout:_:)`` waits for: one case made by ``When`` or ``Otherwise``, or several of them.
///
/// The requirements are Green's own. A program does not conform to this protocol.
public protocol SelectCase<Output> {
    /// What the body of the served case returns.
    associatedtype Output

    /// How many cases of the core this is, and the bytes of memory that they need.
    var extent: SelectExtent { get }

    /// Makes the cases of the core, in memory that stays until the call has ended.
    func prepare(in place: inout SelectPlace)

    /// Destroys what ``prepare(in:)`` has made, except for the case that was served.
    func discard(except served: Int, in place: inout SelectPlace)

    /// Calls the body of the case that was served.
    func finish(_ served: Int, in place: inout SelectPlace) throws -> Output

    /// Calls the body of an ``Otherwise``. Nil: there is none.
    func otherwise() throws -> Output?
}

extension SelectCase {
    @inlinable
    public func otherwise() throws -> Output? { nil }
}

/// The size of cases.
public struct SelectExtent {
    @usableFromInline
    var count: Int

    @usableFromInline
    var bytes: Int

    @usableFromInline
    var hasOtherwise: Bool

    @inlinable
    init(count: Int = 0, bytes: Int = 0, hasOtherwise: Bool = false) {
        self.count = count
        self.bytes = bytes
        self.hasOtherwise = hasOtherwise
    }

    @inlinable
    static func + (left: SelectExtent, right: SelectExtent) -> SelectExtent {
        SelectExtent(
            count: left.count + right.count,
            bytes: left.bytes + right.bytes,
            hasOtherwise: left.hasOtherwise || right.hasOtherwise
        )
    }
}

/// The memory of the next case: a case of the core, and room for its item.
@safe
public struct SelectPlace {
    @usableFromInline
    var slot: UnsafeMutableRawPointer

    @usableFromInline
    var room: UnsafeMutableRawPointer

    @inlinable
    init(slot: UnsafeMutableRawPointer, room: UnsafeMutableRawPointer) {
        unsafe self.slot = slot
        unsafe self.room = room
    }

    /// Moves on by the extent of a case.
    @inlinable
    mutating func advance(by extent: SelectExtent) {
        unsafe slot += extent.count * selectSlotSize
        unsafe room += extent.bytes
    }
}

@available(*, unavailable)
extension SelectPlace: Sendable {}

/// The size of a case of the core, which inlined code cannot see.
@usableFromInline
let selectSlotSize = 48
