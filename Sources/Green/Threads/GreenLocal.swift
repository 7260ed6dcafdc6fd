internal import CGreen

/// A variable of which every green thread has its own value.
///
/// ```swift
/// static let request = GreenLocal<Request>()
///
/// try serve(listener) { client, _ in
///     try request.withValue(Request(client)) { try handle(client) }
/// }
/// ```
///
/// A thread begins without a value; nothing is inherited from its spawner. The value is released when its thread
/// ends, and must not block then.
///
/// The key may be shared by all OS threads, even where `Value` is not `Sendable`: a value is only ever seen by the
/// green thread that set it, and that never changes its OS thread. This is also why `async` code may not touch it: a
/// task can resume on another OS thread.
@safe
public final class GreenLocal<Value>: Sendable {
    // A key is immutable, and its count of owners is atomic.
    @safe private nonisolated(unsafe) let key: OpaquePointer

    private final class Box {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    /// Makes a variable without values. Usually a `static let`.
    public init() {
        var key: OpaquePointer?
        let result = unsafe green_local_make(&key) { unsafe Unmanaged<AnyObject>.fromOpaque($0).release() }
        // Like Swift itself, which has just allocated this object, it cannot go on without a few bytes of memory.
        guard result >= 0, let key = unsafe key else { preconditionFailure("no memory for a GreenLocal") }
        unsafe self.key = key
    }

    deinit {
        unsafe green_local_free(key)
    }

    /// The current thread's value, nil until it is set.
    @available(*, noasync)
    public var value: Value? {
        get {
            guard let box = unsafe green_local_get(key) else { return nil }
            return unsafe Unmanaged<Box>.fromOpaque(box).takeUnretainedValue().value
        }
        set {
            let box = unsafe newValue.map { unsafe Unmanaged.passRetained(Box($0)).toOpaque() }
            let result = unsafe green_local_set(key, box)
            precondition(result >= 0, "no memory for the value of a GreenLocal")
        }
    }

    /// Gives the current thread a value while the body runs, and the previous one back after it.
    ///
    /// - Parameters:
    ///   - value: The value for that time.
    ///   - body: What to run. It may block.
    /// - Returns: What the body returned.
    /// - Throws: What the body threw.
    @available(*, noasync)
    public func withValue<Result, Failure>(
        _ value: Value,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let previous = self.value
        self.value = value
        defer { self.value = previous }
        return try body()
    }
}
