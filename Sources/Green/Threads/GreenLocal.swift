internal import CGreen

/// A green-thread-local variable: each green thread has its own value.
///
/// ```swift
/// static let request = GreenLocal<Request>()
///
/// try serve(listener) { client, _ in
///     try request.withValue(Request(client)) { try handle(client) }
/// }
/// ```
///
/// A new thread has no value; it inherits none from the thread that spawned it. The value is released when its thread
/// ends; its `deinit` must not block.
///
/// All OS threads may share the variable, even if `Value` is not `Sendable`: only the green thread that set a value
/// reads it, and a green thread never moves to another OS thread. A task can, so `async` code cannot use it.
@safe
public final class GreenLocal<Value>: Sendable {
    // A key is immutable, and its reference count is atomic.
    @safe private nonisolated(unsafe) let key: OpaquePointer

    private final class Box {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    /// Creates a variable without values. Usually a `static let`.
    public init() {
        var key: OpaquePointer?
        let result = unsafe green_local_make(&key) { unsafe Unmanaged<AnyObject>.fromOpaque($0).release() }
        // Swift has just allocated this object, and would have trapped without memory.
        guard result >= 0, let key = unsafe key else { preconditionFailure("no memory for a GreenLocal") }
        unsafe self.key = key
    }

    deinit {
        unsafe green_local_free(key)
    }

    /// The current thread's value; nil until it is set.
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

    /// Sets the current thread's value while the body runs, and then restores the previous one.
    ///
    /// - Parameters:
    ///   - value: The value during the body.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body.
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
