internal import CGreen
internal import Glibc

// Calls of the core for inlined code, which cannot see it. Each is only a jump into the core, since every level of
// calls across a switch costs a mispredicted return.

extension Queue {
    @usableFromInline
    func putSlot() -> UnsafeMutableRawPointer? {
        unsafe green_queue_put_slot(handle)
    }

    @usableFromInline
    func getSlot() -> UnsafeMutableRawPointer? {
        unsafe green_queue_get_slot(handle)
    }

    @usableFromInline
    func put(from place: UnsafeMutableRawPointer, _ timeout: Int64) -> Int32 {
        unsafe green_queue_put(handle, place, timeout)
    }

    @usableFromInline
    func get(to place: UnsafeMutableRawPointer, _ timeout: Int64) -> Int32 {
        unsafe green_queue_get(handle, place, timeout)
    }

    @usableFromInline
    func tryPut(from place: UnsafeMutableRawPointer) -> Int32 {
        unsafe green_queue_try_put(handle, place)
    }

    @usableFromInline
    func tryGet(to place: UnsafeMutableRawPointer) -> Int32 {
        unsafe green_queue_try_get(handle, place)
    }
}

/// The capacity in the core's terms; nil means no limit. A negative number ends the process.
func coreCapacity(_ capacity: Int?, of what: StaticString) -> Int64 {
    guard let capacity else { return GREEN_UNBOUNDED }
    guard capacity >= 0 else { fatalError("\(what) cannot have a capacity of \(capacity); nil is one without limit") }
    return Int64(capacity)
}

/// The timeout in the core's unit.
@inlinable
@inline(__always)
func coreTimeout(_ timeout: Duration?) -> Int64 {
    guard let timeout else { return -1 }
    return nanoseconds(timeout)
}

@usableFromInline
func nanoseconds(_ duration: Duration) -> Int64 {
    duration.nanoseconds
}

/// The error for a result that the last call, on a queue, has returned.
@usableFromInline
@inline(never)
func queueFailure(_ result: Int32) -> any Error {
    meansClosed(result) ? QueueClosed() : failure(result)
}

@usableFromInline
func meansClosed(_ result: Int32) -> Bool {
    result == -EBADF
}
