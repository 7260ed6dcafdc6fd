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
