/// Room for one value of a type that only its user knows.
///
/// It lets ``ThreadState`` be one object of one class for every result type: a generic class would look its type
/// up at run time whenever it is made and freed, which costs more than a spawn. Small values lie in place, large
/// ones in a box. The user calls `take` or `load` with the very type that was stored.
@usableFromInline
struct Slot {
    @usableFromInline
    typealias Room = InlineArray<4, UInt64>

    @usableFromInline
    var room = Room(repeating: 0)

    @inlinable
    init() {}

    @inlinable
    static func fits<Value>(_: Value.Type) -> Bool {
        MemoryLayout<Value>.size <= MemoryLayout<Room>.size
            && MemoryLayout<Value>.alignment <= MemoryLayout<Room>.alignment
    }

    /// Puts a value into the empty slot.
    @inlinable
    mutating func store<Value>(_ value: Value) {
        if Slot.fits(Value.self) {
            unsafe withUnsafeMutableBytes(of: &room) {
                _ = unsafe $0.baseAddress!.initializeMemory(as: Value.self, to: value)
            }
        } else {
            store(Box(value))
        }
    }

    /// Takes the value out and leaves the slot empty.
    @inlinable
    mutating func take<Value>(_: Value.Type) -> Value {
        if Slot.fits(Value.self) {
            return unsafe withUnsafeMutableBytes(of: &room) {
                unsafe $0.baseAddress!.assumingMemoryBound(to: Value.self).move()
            }
        }
        return take(Box<Value>.self).value
    }

    /// A copy of the value, which stays. Nothing is read for a type without size, such as `Void`.
    @inlinable
    func load<Value>(_: Value.Type) -> Value {
        if Slot.fits(Value.self) {
            return unsafe withUnsafeBytes(of: room) {
                unsafe $0.baseAddress!.assumingMemoryBound(to: Value.self).pointee
            }
        }
        return load(Box<Value>.self).value
    }

    @usableFromInline
    final class Box<Value> {
        @usableFromInline
        let value: Value

        @inlinable
        init(_ value: Value) {
            self.value = value
        }
    }
}
