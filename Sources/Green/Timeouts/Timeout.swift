internal import CGreen
internal import Glibc

/// A time limit for the current green thread, and the error that is thrown when it expires.
///
/// ```swift
/// let timeout = Timeout(.seconds(5))
/// defer { timeout.cancel() }
/// do {
///     try fetch(host)
/// } catch let error as Timeout where error == timeout {
///     print("\(host) is slow")
/// }
/// ```
///
/// A timeout starts when it is created. When its time is over, the blocking call that the thread is in, or its next
/// one, throws it, once: code that catches it has no limit any more. Code that never blocks cannot be interrupted.
///
/// ``withTimeout(_:_:)`` limits a closure. It holds until the closure ends, is canceled by itself, and costs less. Use a
/// `Timeout` object if the start and the end are in different functions, and always cancel it: it fires even if no
/// reference to it remains. It does not fire after its thread has ended.
///
/// Timeouts nest in any way, and each is equal only to itself; the errors of one `withTimeout` are equal to each other.
/// The timer and the error are one object, as in Eventlet: a `catch` needs to know which of several nested limits has
/// expired, and compares the error with the timeout it started.
///
/// If the `timeout:` argument of a call expires, the call throws a ``SystemError`` with the code `timedOut` and not a
/// `Timeout`. ``isTimeout(_:)`` is true for both. ``isInterrupt(_:)`` is true for a `Timeout` that limits the caller
/// from outside.
// Every error is Sendable, so another OS thread may get this one; its description never changes. `handle` is used only
// on the OS thread that created the timeout: by start, cancel and isPending, which end the process elsewhere, and by
// the core, which retains the object while it has the handle. So the last release, on any OS thread, has nothing to
// clean up.
@safe
public final class Timeout: Error, @unchecked Sendable {
    /// The time until it fires; nil means that it never fires.
    public let duration: Duration?

    /// The error to throw in place of itself.
    private let substitute: (any Error)?

    /// The core's number of the limit that this error was created for; 0 if it started as an object.
    let number: UInt64

    /// The number of the green thread that it has interrupted last; 0 if none. Used only on the OS thread that created
    /// it.
    private var interrupted: UInt64 = 0

    /// Each OS thread has its own `errno`. Where `pthread_self()` is patched, it distinguishes green threads, too.
    @safe private let home = unsafe __errno_location()

    /// The core's timeout, which retains this object. Nil if it has none.
    @safe private var handle: OpaquePointer?

    /// Starts a timeout for the current green thread.
    ///
    /// - Parameter duration: The time until it fires. With zero or less it fires as soon as the thread blocks; with nil
    ///   it never fires.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public convenience init(_ duration: Duration?) {
        self.init(duration, substitute: nil)
        start()
    }

    /// Starts a timeout for the current green thread, which throws another error in place of itself.
    ///
    /// - Parameters:
    ///   - duration: The time until it fires. With zero or less it fires as soon as the thread blocks; with nil it
    ///     never fires.
    ///   - error: The error that the thread's blocking call throws.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @discardableResult
    public convenience init(_ duration: Duration?, throwing error: any Error) {
        self.init(duration, substitute: error)
        start()
    }

    private init(_ duration: Duration?, substitute: (any Error)?, number: UInt64 = 0) {
        self.duration = duration
        self.substitute = substitute
        self.number = number
    }

    /// The error of a limit that is not an object.
    convenience init(ofLimit number: UInt64, of duration: Duration) {
        self.init(duration, substitute: nil, number: number)
    }

    /// Starts it again from the beginning, for the current green thread, after it was canceled or has fired.
    ///
    /// Ends the process if the timeout is pending, or on another OS thread than the one that created it.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func start() {
        guard !isPending else { fatalError("start: this timeout is still pending; cancel it first") }
        guard let duration else { return }
        letGo()
        let reason = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_timeout_start_with(&handle, duration.nanoseconds, reason, discardTimeout))
        unsafe self.handle = handle
    }

    /// Cancels it. Does nothing if it is not pending.
    ///
    /// If the time is over but no call has thrown the timeout yet, none will. A call on another OS thread than the one
    /// that created it ends the process.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func cancel() {
        checkHome()
        letGo()
    }

    /// Whether it can still fire: no call has thrown it, it was not canceled, and its thread has not ended.
    ///
    /// False if it has no duration. A call on another OS thread than the one that created it ends the process.
    public var isPending: Bool {
        checkHome()
        guard let handle else { return false }
        return unsafe green_timeout_is_pending(handle)
    }

    private func checkHome() {
        guard unsafe home == __errno_location() else {
            fatalError("a Timeout was used on another OS thread than the one that created it; start one there")
        }
    }

    /// Releases the core's timeout, and with it the core's reference to this object.
    private func letGo() {
        guard let handle else { return }
        self.handle = nil
        unsafe green_timeout_free(handle)
    }

    /// The error of the timeout that has ended the last call of the current thread.
    ///
    /// The object that the core retained, or a new one for a timeout without an object. Nil if no timeout ended the
    /// call.
    static func thatHasFired() -> (any Error)? {
        if let reason = unsafe green_reason() {
            let timeout = unsafe Unmanaged<Timeout>.fromOpaque(reason).takeRetainedValue()
            timeout.letGo()
            if let substitute = timeout.substitute {
                ThrownInterrupt.record(substitute)
                return substitute
            }
            timeout.interrupted = unsafe green_thread_id(green_current()!)
            return timeout
        }
        var nanoseconds: Int64 = 0
        let number = unsafe green_timeout_last(&nanoseconds)
        return number == 0 ? nil : Timeout(ofLimit: number, of: .nanoseconds(nanoseconds))
    }

    /// Whether it is the error of a limit that has expired and that the caller has not left yet.
    var isOfEnclosingLimit: Bool {
        number != 0 && green_timeout_encloses(number)
    }

    /// Whether it comes from outside of the calling code: it is the error of such a limit, or an object that has
    /// interrupted the calling thread.
    var isInterrupt: Bool {
        guard number == 0 else { return isOfEnclosingLimit }
        // The home first: another OS thread must not read what the home writes.
        return unsafe home == __errno_location() && interrupted != 0 && interrupted == green_thread_id(green_current()!)
    }

    /// Called when the core releases the object: it was canceled, its thread has ended, or no code asked why a call
    /// ended.
    fileprivate func discard() {
        // It may have been started again since.
        if let handle, unsafe !green_timeout_is_pending(handle) {
            letGo()
        }
    }
}

extension Timeout: Hashable {
    /// Whether the two are the same object, or errors of the same `withTimeout`.
    public static func == (left: Timeout, right: Timeout) -> Bool {
        left === right || left.number != 0 && left.number == right.number
    }

    public func hash(into hasher: inout Hasher) {
        if number == 0 {
            hasher.combine(ObjectIdentifier(self))
        } else {
            hasher.combine(number)
        }
    }
}

extension Timeout: CustomStringConvertible {
    /// As in "timed out after 5.0 seconds".
    public var description: String {
        guard let duration else { return "a timeout that never fires" }
        return "timed out after \(duration)"
    }
}

private func discardTimeout(_ reason: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<Timeout>.fromOpaque(reason!).takeRetainedValue().discard()
}
