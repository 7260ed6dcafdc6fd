internal import CGreen

/// One value, or one error, that any number of green threads wait for.
///
/// ```swift
/// let ready = Event<Int>()
/// spawn { print("listening on port \(try ready.wait())") }
/// try ready.send(6000)
/// ```
///
/// It is sent once. Whoever waits then, and whoever waits later, gets what was sent. To use it again, ``reset()`` it;
/// for one value after the other, use a ``Queue``.
///
/// Waiting threads run in the order they came. One that is killed or runs out of time leaves nothing behind.
///
/// An event belongs to the OS thread that first uses it; so it is not `Sendable`.
@safe
public final class Event<Value> {
    /// Owned. It knows whether the event was sent and who waits; what was sent is kept here.
    @safe private let handle: OpaquePointer

    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    @usableFromInline
    var round = Round()

    /// The time from one reset to the next, and what was sent in it.
    ///
    /// Who waits holds on to the round it came in. So a thread that was woken gets what it was woken with, though the
    /// event may be reset and sent again before it runs.
    @usableFromInline
    final class Round {
        @safe @exclusivity(unchecked)
        @usableFromInline
        var outcome: Result<Value, any Error>?
    }

    /// Makes an event that nobody has sent.
    public init() {
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_event_make(&handle))
        unsafe self.handle = handle!
    }

    deinit {
        unsafe green_event_free(handle)
    }

    /// Sends the value to everybody who waits now or later.
    ///
    /// Does not block.
    ///
    /// - Parameter value: What `wait` returns.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` when the event has been sent.
    @available(*, noasync)
    @inlinable
    public func send(_ value: Value) throws {
        try send(.success(value))
    }

    /// Sends an error to everybody who waits now or later.
    ///
    /// Does not block.
    ///
    /// - Parameter error: What `wait` throws.
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` when the event has been sent.
    @available(*, noasync)
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

    /// Waits until the event is sent, and returns or throws what was.
    ///
    /// Any number of threads may wait, each any number of times. Does not block when it has been sent.
    ///
    /// - Parameter timeout: How long to wait at most; zero asks without blocking, nil waits for as long as it takes.
    /// - Returns: The value that was sent.
    /// - Throws: The error that was sent. A ``SystemError`` with the code `timedOut` after the timeout. When the
    ///   caller is killed or its ``Timeout`` fires meanwhile, that error.
    @available(*, noasync)
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

    /// What was sent, without waiting for it.
    ///
    /// - Returns: The value; nil while the event is not sent.
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

    /// How many threads wait for it.
    public var waitingCount: Int {
        unsafe green_event_waiting(handle)
    }

    /// Takes back what was sent, so that the event can be sent again.
    ///
    /// Those who were waiting keep what they were given. Does nothing on an event that was not sent.
    @available(*, noasync)
    public func reset() {
        guard isSent else { return }
        unsafe green_event_reset(handle)
        round = Round()
    }
}

extension Event where Value == Void {
    /// Sends the event, where that it happened is all there is to say.
    ///
    /// Does not block.
    ///
    /// - Throws: A ``SystemError`` with the code `alreadyInProcess` when the event has been sent.
    @available(*, noasync)
    public func send() throws {
        try send(())
    }
}

@available(*, unavailable)
extension Event: Sendable {}
