internal import CGreen

/// A value or an error that is sent once, and that any number of green threads wait for.
///
/// ```swift
/// let ready = Event<Int>()
/// spawn { print("listening on port \(try ready.wait())") }
/// try ready.send(6000)
/// ```
///
/// Every thread that waits, before or after the send, gets the value. To send again, call ``reset()``. For a sequence
/// of values, use a ``Queue``.
///
/// Waiting threads run in the order in which they began to wait.
///
/// An event belongs to the OS thread that first uses it, so it is not `Sendable`. A ``Promise`` is for any OS threads.
@safe
public final class Event<Value> {
    /// Owned. Keeps the state of the event and the waiting threads. Swift keeps what was sent.
    @safe let handle: OpaquePointer

    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    @usableFromInline
    var round = Round()

    /// What was sent between two resets.
    ///
    /// A waiting thread retains the round in which it began to wait. So it gets the value that woke it, even if the
    /// event is reset and sent again before it runs.
    @usableFromInline
    final class Round {
        @safe @exclusivity(unchecked)
        @usableFromInline
        var outcome: Result<Value, any Error>?
    }

    /// Creates an event that has not been sent.
    public init() {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_event_make(&handle))
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_event_free(handle)
    }

    /// Sends a value to every thread that waits now or later.
    ///
    /// Does not block.
    ///
    /// - Parameter value: The value that `wait` returns.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the event has been sent.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func send(_ value: Value) throws {
        try send(.success(value))
    }

    /// Sends an error to every thread that waits now or later.
    ///
    /// Does not block.
    ///
    /// - Parameter error: The error that `wait` throws.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the event has been sent.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func send(throwing error: any Error) throws {
        try send(.failure(error))
    }

    @inlinable
    func send(_ outcome: Result<Value, any Error>) throws {
        try wakeWaiters()
        round.outcome = outcome
    }

    @usableFromInline
    func wakeWaiters() throws {
        try check(unsafe green_event_send(handle, nil))
    }

    /// Waits until the event is sent, and returns the value or throws the error.
    ///
    /// Any number of threads may wait, each any number of times. Does not block if the event has been sent.
    ///
    /// - Parameter timeout: The maximum time to wait; zero does not block, nil means no limit.
    /// - Returns: The value that was sent.
    /// - Throws: The error that was sent. A ``SystemError`` with the code `timedOut` if the timeout expires. If the
    ///   caller is killed or its ``Timeout`` fires while it waits, that error.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    @inlinable
    public func wait(timeout: Duration? = nil) throws -> Value {
        let round = round
        try waitUntilSent(timeout: timeout)
        return try round.outcome!.get()
    }

    @usableFromInline
    func waitUntilSent(timeout: Duration?) throws {
        var nothing: UnsafeMutableRawPointer?
        try check(unsafe green_event_wait(handle, &nothing, timeout.timeout))
    }

    /// Returns the value or throws the error, if the event has been sent. Does not block.
    ///
    /// - Returns: The value; nil if the event has not been sent.
    /// - Throws: The error that was sent.
    @inlinable
    public func poll() throws -> Value? {
        try round.outcome?.get()
    }

    /// Whether a value or an error was sent.
    public var isSent: Bool {
        unsafe green_event_is_sent(handle)
    }

    /// Whether a value was sent.
    public var hasValue: Bool {
        if case .success = round.outcome { true } else { false }
    }

    /// Whether an error was sent.
    public var hasError: Bool {
        if case .failure = round.outcome { true } else { false }
    }

    /// The number of threads that wait.
    public var waitingCount: Int {
        unsafe green_event_waiting(handle)
    }

    /// Forgets what was sent, so that the event can be sent again.
    ///
    /// Threads that were waiting still get what was sent. Does nothing if the event has not been sent.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func reset() {
        guard isSent else { return }
        unsafe green_event_reset(handle)
        round = Round()
    }
}

extension Event where Value == Void {
    /// Sends an event that carries no value.
    ///
    /// Does not block.
    ///
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` if the event has been sent.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func send() throws {
        try send(())
    }
}

@available(*, unavailable)
extension Event: Sendable {}
