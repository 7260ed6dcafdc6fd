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
/// A new thread inherits the value of the thread that spawned it, as it is at the time of the spawn, like a task-local.
/// Later changes are visible only to the thread that makes them. If the value is an object, the threads share it. A
/// thread that another OS thread starts, such as by ``Hub/spawn(name:stackSize:after:_:)``, inherits none, because
/// values need not be `Sendable`. The value is released when its thread ends; its `deinit` must not block.
///
/// With an initial value, each thread makes its own when it first reads the variable, and inherits none unless
/// `inherited` is true:
///
/// ```swift
/// static let connection = GreenLocal { Connection() }
///
/// connection.get().send(query)        // a connection for each thread
/// ```
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

    /// Makes the value of a thread that has none.
    private let initial: (@Sendable () -> Value)?

    /// Creates a variable without values. Usually a `static let`.
    ///
    /// - Parameter inherited: Whether a new thread inherits the value of the thread that spawned it.
    public init(inherited: Bool = true) {
        unsafe key = makeKey(inherited: inherited)
        initial = nil
    }

    /// Creates a variable with an initial value in each thread. Usually a `static let`.
    ///
    /// - Parameters:
    ///   - inherited: Whether a new thread inherits the value of the thread that spawned it, if that has one. Others
    ///     make their own.
    ///   - initial: Called by ``value`` and ``get()`` in each thread that has no value, for example again after the
    ///     value was set to nil.
    public init(inherited: Bool = false, initial: @escaping @Sendable () -> Value) {
        unsafe key = makeKey(inherited: inherited)
        self.initial = initial
    }

    deinit {
        unsafe green_local_free(key)
    }

    /// The current thread's value. Without an initial value, it is nil until it is set or inherited.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public var value: Value? {
        get {
            if let value = stored {
                return value
            }
            guard let value = initial?() else { return nil }
            self.value = value
            return value
        }
        set {
            let box = unsafe newValue.map { unsafe Unmanaged.passRetained(Box($0)).toOpaque() }
            let result = unsafe green_local_set(key, box)
            precondition(result >= 0, "no memory for the value of a GreenLocal")
        }
    }

    /// Returns the current thread's value. Ends the process if the variable has neither a value nor an initial value.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func get() -> Value {
        guard let value else { preconditionFailure("a GreenLocal without an initial value was read before it was set") }
        return value
    }

    private var stored: Value? {
        guard let box = unsafe green_local_get(key) else { return nil }
        return unsafe Unmanaged<Box>.fromOpaque(box).takeUnretainedValue().value
    }

    /// Sets the current thread's value while the body runs, and then restores the previous one.
    ///
    /// - Parameters:
    ///   - value: The value during the body.
    ///   - body: The code to run. It may block.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func withValue<Result, Failure>(
        _ value: Value,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let previous = stored
        self.value = value
        defer { self.value = previous }
        return try body()
    }
}

private func makeKey(inherited: Bool) -> OpaquePointer {
    var key: OpaquePointer?
    let result =
        if inherited {
            unsafe green_local_make_inherited(&key, retainValue, releaseValue)
        } else {
            unsafe green_local_make(&key, releaseValue)
        }
    // Swift has just allocated the object of the key, and would have trapped without memory.
    guard result >= 0, let key = unsafe key else { preconditionFailure("no memory for a GreenLocal") }
    return unsafe key
}

private func retainValue(_ value: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    unsafe Unmanaged<AnyObject>.fromOpaque(value).retain().toOpaque()
}

private func releaseValue(_ value: UnsafeMutableRawPointer) {
    unsafe Unmanaged<AnyObject>.fromOpaque(value).release()
}
