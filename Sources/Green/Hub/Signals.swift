internal import CGreen

/// Collects signals, for green threads that wait for them.
///
/// ```swift
/// let signals = try Signals([.interrupt, .terminate])
/// spawn {
///     try signals.next()
///     try listener.stop(drainingFor: .seconds(10))
/// }
/// ```
///
/// While a `Signals` object exists, its signals are collected and have no other effect. When it is released, signals
/// that no other object collects have their former effect again. A signal that has arrived by then and was not taken
/// takes effect at that moment, which may end the process. If several objects collect a signal, one of them gets it.
/// The signals are blocked for the calling OS thread: create the object in `main`, before other OS threads start, so
/// that they inherit this. A `Signals` object belongs to its OS thread, so it is not `Sendable`.
@safe
public final class Signals {
    @safe private let handle: OpaquePointer

    /// Starts to collect signals.
    ///
    /// - Parameter signals: The signals.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if one of them cannot be caught.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public init(_ signals: [Signal]) throws {
        var handle: OpaquePointer?
        let numbers = signals.map(\.rawValue)
        try check(unsafe green_signals_open(&handle, numbers, numbers.count))
        self.handle = unsafe handle!
    }

    deinit {
        unsafe green_signals_free(handle)
    }

    /// Waits for the next signal. Blocks.
    ///
    /// - Parameter timeout: The maximum time to wait; nil means no limit.
    /// - Returns: The signal that arrived.
    /// - Throws: A ``SystemError`` with the code `timedOut` if the timeout expires. If the thread is killed, the error
    ///   of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public func next(timeout: Duration? = nil) throws -> Signal {
        unsafe Signal(rawValue: try check(green_signals_next(handle, timeout.timeout)))
    }
}

@available(*, unavailable)
extension Signals: Sendable {}
