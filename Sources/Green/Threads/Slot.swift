/// Storage for one value whose type only the caller knows.
///
/// With it, ``ThreadState`` is one class for every result type. A generic class would look up its type at run time
/// whenever an object is created and destroyed, which costs more than a spawn. Small values are stored in place, large
/// ones in a box. `take` and `load` must name the type that was stored.
///
/// The optimiser sees plain bits in the slot. It may therefore end the life of the object that contains the slot after
/// `load` has copied the bits and before `load` has retained the value. `load` takes that object and keeps it alive.
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

    /// Returns a copy of the value, which stays in the slot. Reads nothing for a type of size 0, such as `Void`.
    ///
    /// - Parameter owner: The object that contains the slot and destroys the value. It stays alive until the copy is
    ///   complete.
    @inlinable
    func load<Value>(_: Value.Type, keepingAlive owner: some AnyObject) -> Value {
        withExtendedLifetime(owner) {
            if Slot.fits(Value.self) {
                return unsafe withUnsafeBytes(of: room) {
                    unsafe $0.baseAddress!.assumingMemoryBound(to: Value.self).pointee
                }
            }
            return load(Box<Value>.self, keepingAlive: owner).value
        }
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
