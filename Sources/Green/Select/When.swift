/// One case of a ``select(timeout:_:)``: what it waits for, and the body to run if it is served.
///
/// ```swift
/// When.get(jobs) { job in print(job) }
/// When.sent(stop) { _ in print("stopped") }
/// ```
///
/// Each function is named for the plain call, and its case is served by the rules of that call. A case is ready also
/// when the plain call would fail at once; the select then throws that error.
public struct When<Source: SelectSource, Output>: SelectCase {
    @usableFromInline
    let source: Source

    @usableFromInline
    let body: (Source.Value) throws -> Output

    @inlinable
    init(source: Source, body: @escaping (Source.Value) throws -> Output) {
        self.source = source
        self.body = body
    }

    @inlinable
    public var extent: SelectExtent {
        SelectExtent(count: 1, bytes: Source.bytes)
    }

    @inlinable
    public func prepare(in place: inout SelectPlace) {
        unsafe source.prepare(place.slot, place.room)
        place.advance(by: extent)
    }

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {
        if served != 0 {
            unsafe source.discard(place.room)
        }
        // The core has waited for the object until here.
        withExtendedLifetime(source) {}
        place.advance(by: extent)
    }

    @inlinable
    public func finish(_: Int, in place: inout SelectPlace) throws -> Output {
        try body(unsafe source.finish(place.slot, place.room))
    }
}

/// What a ``When`` waits for. The requirements are Green's own.
public protocol SelectSource {
    associatedtype Value

    /// The size of the room for an item.
    static var bytes: Int { get }

    /// Makes the case of the core, and what is put, in the room.
    func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer)

    /// Destroys what was not put.
    func discard(_ room: UnsafeMutableRawPointer)

    /// Returns the result of the case that was served, and leaves the room empty.
    func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Value
}

extension SelectSource {
    @inlinable
    public static var bytes: Int { 0 }

    @inlinable
    public func discard(_ room: UnsafeMutableRawPointer) {}
}

/// What a ``select(timeout:_:)`` runs if no case is ready. The select does not wait then.
///
/// ```swift
/// let text = try select {
///     When.get(urgent) { job in "urgent \(job)" }
///     When.get(jobs) { job in "job \(job)" }
///     Otherwise { "nothing to do" }
/// }
/// ```
public struct Otherwise<Output>: SelectCase {
    @usableFromInline
    let body: () throws -> Output

    /// - Parameter body: The code to run.
    @inlinable
    public init(_ body: @escaping () throws -> Output) {
        self.body = body
    }

    @inlinable
    public var extent: SelectExtent { SelectExtent(hasOtherwise: true) }

    @inlinable
    public func prepare(in place: inout SelectPlace) {}

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {}

    @inlinable
    public func finish(_: Int, in place: inout SelectPlace) throws -> Output {
        try body()
    }

    @inlinable
    public func otherwise() throws -> Output? {
        try body()
    }
}
