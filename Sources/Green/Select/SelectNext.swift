/// The source of `When.next`: a get or a receive, whose value is nil if its object is closed and empty.
public struct SelectNext<Source: SelectSource>: SelectSource {
    @usableFromInline
    let source: Source

    @inlinable
    init(source: Source) {
        self.source = source
    }

    @inlinable
    public static var bytes: Int { Source.bytes }

    @inlinable
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe source.prepare(slot, room)
    }

    @inlinable
    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Source.Value? {
        if meansClosed(unsafe servedError(slot)) { return nil }
        return try unsafe source.finish(slot, room)
    }
}
