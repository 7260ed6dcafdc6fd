internal import CGreen
internal import SystemPackage

/// The core's semaphore, of which the three classes are kinds.
@safe
struct SemaphoreHandle: ~Copyable {
    /// Owned.
    @safe private let pointer: OpaquePointer

    /// - Parameters:
    ///   - permits: How many there are at first.
    ///   - limit: How many there can be; nil is any number.
    ///   - kind: The class, for the messages.
    init(permits: Int, limit: Int?, kind: StaticString) {
        guard permits >= 0 else {
            fatalError("a \(kind) cannot begin with \(permits) permits; give it 0 or more")
        }
        if let limit, permits > limit {
            fatalError("a \(kind) cannot begin with \(permits) permits when its limit is \(limit); raise the limit")
        }
        var pointer: OpaquePointer?
        checkOrTrap(unsafe green_semaphore_make(&pointer, Int64(permits), limit.map(Int64.init) ?? -1))
        unsafe self.pointer = pointer!
    }

    deinit {
        unsafe green_semaphore_free(pointer)
    }

    func acquire(timeout: Duration?) throws {
        try check(unsafe green_semaphore_acquire(pointer, timeout.timeout))
    }

    func tryAcquire() -> Bool {
        checkOrTrap(unsafe green_semaphore_try_acquire(pointer)) > 0
    }

    func release() throws {
        try check(unsafe green_semaphore_release(pointer))
    }

    func tryRelease() -> Bool {
        let result = unsafe green_semaphore_release(pointer)
        return Errno(rawValue: -result) == .overflow ? false : checkOrTrap(result) == 0
    }

    func release(timeout: Duration?) throws {
        try check(unsafe green_semaphore_release_within(pointer, timeout.timeout))
    }

    var permits: Int {
        Int(unsafe green_semaphore_permits(pointer))
    }

    var acquiring: Int {
        unsafe green_semaphore_acquiring(pointer)
    }

    var releasing: Int {
        unsafe green_semaphore_releasing(pointer)
    }

    /// Acquires a permit for the time of the body. When both the body and the release fail, the body's error is the
    /// one that tells more.
    @inline(__always)
    func withPermit<Result>(
        timeout: Duration?,
        _ body: () throws -> Result,
        release: () throws -> Void
    ) throws -> Result {
        try acquire(timeout: timeout)
        let result: Result
        do {
            result = try body()
        } catch {
            try? release()
            throw error
        }
        try release()
        return result
    }
}
