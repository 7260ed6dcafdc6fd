internal import CGreen
internal import Synchronization

/// A value or an error that any OS thread delivers once, such as a callback of a C library, and that any number of
/// threads wait for.
///
/// ```swift
/// let promise = Promise<Reply>()
/// library.request(query) { reply in    // on an OS thread of the library
///     try? promise.send(reply)
/// }
/// let reply = try promise.wait(timeout: .seconds(5))
/// ```
///
/// ``withPromise(of:timeout:_:)`` is a shorter form. Every thread that waits, before or after the send, gets the value.
/// For a sequence of values, use a ``Channel``. Between green threads of one hub, an ``Event`` costs less.
///
/// Any OS thread may use a promise, several at once. A thread that waits for a promise never counts as a deadlock,
/// because another OS thread could end its wait.
@safe
public final class Promise<Value: Sendable>: Sendable {
    /// Owned. Keeps the waiting threads. Swift keeps what was sent.
    @safe private nonisolated(unsafe) let handle: OpaquePointer

    /// Whether a thread has begun to send. It alone writes the outcome.
    private let isTaken = Atomic<Bool>(false)

    /// Written before the core wakes the waiting threads, and read only after the core has let a wait return.
    @safe private nonisolated(unsafe) var outcome: Result<Value, any Error>?

    /// Creates a promise that has not been sent.
    public init() {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_promise_make(&handle))
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_promise_release(handle)
    }

    /// Sends a value to every thread that waits now or later.
    ///
    /// Does not block. Call it on any OS thread, also in callbacks.
    ///
    /// - Parameter value: The value that `wait` returns.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the promise has been sent.
    public func send(_ value: Value) throws {
        try send(.success(value))
    }

    /// Sends an error to every thread that waits now or later.
    ///
    /// Does not block. Call it on any OS thread, also in callbacks.
    ///
    /// - Parameter error: The error that `wait` throws.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the promise has been sent.
    public func send(throwing error: any Error) throws {
        try send(.failure(error))
    }

    /// Sends a value or an error to every thread that waits now or later.
    ///
    /// Does not block. Call it on any OS thread, also in callbacks.
    ///
    /// - Parameter result: The value that `wait` returns, or the error that it throws.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the promise has been sent.
    public func send(_ result: Result<Value, any Error>) throws {
        guard !isTaken.exchange(true, ordering: .relaxed) else {
            throw SystemError(code: .alreadyInProcess, message: "the promise has been sent (EALREADY)")
        }
        outcome = result
        try check(unsafe green_promise_send(handle, nil))
    }

    /// Waits until the promise is sent, and returns the value or throws the error.
    ///
    /// Any number of threads on any hubs may wait, each any number of times. Does not block if the promise has been
    /// sent. An OS thread without a hub is blocked, and gets none.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The value that was sent.
    /// - Throws: The error that was sent. A ``SystemError`` with the code `timedOut` if the timeout expires. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func wait(timeout: Duration? = nil) throws -> Value {
        var nothing: UnsafeMutableRawPointer?
        try check(unsafe green_promise_wait(handle, &nothing, timeout.timeout))
        return try outcome!.get()
    }

    /// The value, once it is sent, for an `async` function.
    ///
    /// ```swift
    /// let reply = try await promise.value
    /// ```
    ///
    /// Only the Task waits: it blocks no OS thread, and may run on any executor. If the Task is cancelled before the
    /// promise is sent, it throws `CancellationError`. Otherwise it returns or throws what was sent.
    nonisolated(nonsending) public var value: Value {
        get async throws {
            if !isSent {
                try unsafe await AsyncWait.run { unsafe green_promise_wait_async(handle, $0) }
            }
            return try outcome!.get()
        }
    }

    /// Whether a value or an error was sent.
    public var isSent: Bool {
        unsafe green_promise_is_sent(handle)
    }
}

extension Promise where Value == Void {
    /// Sends a promise that carries no value.
    ///
    /// Does not block. Call it on any OS thread, also in callbacks.
    ///
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the promise has been sent.
    public func send() throws {
        try send(())
    }
}
