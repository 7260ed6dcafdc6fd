internal import CGreen

/// Signals as something to wait for.
///
/// ```swift
/// let signals = try Signals([.interrupt, .terminate])
/// spawn {
///     try signals.next()
///     try listener.stop(drainingFor: .seconds(10))
/// }
/// ```
///
/// From its making on, the signals are collected instead of acting; when it is gone, those that no other one collects act
/// again as before. One that has come by then and was not asked for acts at that moment, which may end the process. A
/// signal that several collect is told to one of them. They are blocked for the calling OS thread: make it in `main`,
/// before other OS threads start, so that those inherit it.
/// It belongs to its OS thread; so it is not `Sendable`.
@safe
public final class Signals {
    @safe private let handle: OpaquePointer

    /// Begins to collect signals.
    ///
    /// - Parameter signals: Which ones.
    /// - Throws: A ``SystemError``, with the code `invalidArgument` when one of them cannot be caught.
    @available(*, noasync)
    public init(_ signals: [Signal]) throws {
        var handle: OpaquePointer?
        let numbers = signals.map(\.rawValue)
        try check(unsafe green_signals_open(&handle, numbers, numbers.count))
        self.handle = unsafe handle!
    }

    deinit {
        unsafe green_signals_free(handle)
    }

    /// Waits for the next of the signals.
    ///
    /// - Parameter timeout: How long to wait at most; nil is for as long as it takes.
    /// - Returns: The signal that came.
    /// - Throws: A ``SystemError`` with the code `timedOut` after the timeout. When the thread is killed, the error of
    ///   that kill.
    @available(*, noasync)
    @discardableResult
    public func next(timeout: Duration? = nil) throws -> Signal {
        unsafe Signal(rawValue: try check(green_signals_next(handle, timeout.timeout)))
    }
}

@available(*, unavailable)
extension Signals: Sendable {}
