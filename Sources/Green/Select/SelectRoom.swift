internal import CGreen

/// The room for an item of a case.
@usableFromInline
enum SelectRoom<Item> {
    /// Its size: a multiple of the alignment of all rooms.
    @inlinable
    static var bytes: Int {
        let alignment = MemoryLayout<Item>.alignment
        let size = MemoryLayout<Item>.stride + (alignment > selectAlignment ? alignment : 0)
        return (size + selectAlignment - 1) & -selectAlignment
    }

    /// The place of the item.
    @inlinable
    static func place(_ room: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Item> {
        let place = unsafe MemoryLayout<Item>.alignment > selectAlignment ? room.alignedUp(for: Item.self) : room
        return unsafe place.assumingMemoryBound(to: Item.self)
    }

    /// The item that a served case has taken.
    @inlinable
    static func take(
        _ slot: UnsafeMutableRawPointer,
        _ room: UnsafeMutableRawPointer,
        failure: (Int32) -> any Error
    ) throws -> Item {
        let error = unsafe servedError(slot)
        guard error == 0 else { throw failure(error) }
        return unsafe place(room).move()
    }

    /// Stores an item to give. Returns its place.
    @inlinable
    static func fill(_ room: UnsafeMutableRawPointer, with item: Item) -> UnsafeMutablePointer<Item> {
        let place = unsafe place(room)
        unsafe place.initialize(to: item)
        return unsafe place
    }

    /// Destroys an item that was not given.
    @inlinable
    static func empty(_ room: UnsafeMutableRawPointer) {
        unsafe place(room).deinitialize(count: 1)
    }

    /// Throws if a served case has not given its item.
    @inlinable
    static func checkGiven(
        _ slot: UnsafeMutableRawPointer,
        _ room: UnsafeMutableRawPointer,
        failure: (Int32) -> any Error
    ) throws {
        let error = unsafe servedError(slot)
        guard error == 0 else {
            unsafe empty(room)
            throw failure(error)
        }
    }
}

/// Stores a case of the core. The memory is uninitialized.
func prepareCase(_ slot: UnsafeMutableRawPointer, _ core: green_case) {
    unsafe slot.initializeMemory(as: green_case.self, to: core)
}

/// A case that was served.
func servedCase(_ slot: UnsafeMutableRawPointer) -> green_case {
    unsafe slot.assumingMemoryBound(to: green_case.self).pointee
}

/// The error of a case that was served, or 0.
@usableFromInline
func servedError(_ slot: UnsafeMutableRawPointer) -> Int32 {
    unsafe servedCase(slot).error
}

/// Throws the error of a case that was served.
func checkCase(_ slot: UnsafeMutableRawPointer) throws {
    try check(unsafe servedError(slot))
}
