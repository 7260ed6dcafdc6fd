internal import CGreen
internal import Glibc

/// A limit on all that a green thread does from here on, and the error that tells that it is over.
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
/// It starts as it is made, for the current green thread. Once its time is over, the blocking call that the thread is
/// in, or its next one, throws it, once. Code that never blocks cannot be interrupted.
///
/// ``withTimeout(_:_:)`` does the same for the time of a closure; it cannot be forgotten, and costs less. A timeout of
/// this kind is for where start and end are in different functions. It has to be canceled: one that is dropped fires
/// all the same. When its thread ends before, it is forgotten.
///
/// Timeouts nest in any way, and each is equal only to itself.
///
/// The end of a call's own `timeout:` argument is no `Timeout` but a ``SystemError`` with the code `timedOut`;
/// ``isTimeout(_:)`` is true for both.
// Every error is Sendable, and this one may be carried to any OS thread: what it says of itself never changes. The
// rest, `handle`, is touched only on the OS thread that made the timeout: by start, cancel and isPending, which end
// the process elsewhere, and by the core, which holds the object while it holds the handle. So nothing is left to
// clean up wherever the last reference goes.
@safe
public final class Timeout: Error, @unchecked Sendable {
    /// How long it lasts; nil never fires.
    public let duration: Duration?

    /// What it throws in place of itself.
    private let substitute: (any Error)?

    /// The core's number of the timeout that this error was made of; 0 of one that started as an object.
    let number: UInt64

    /// Each OS thread has an `errno` of its own. `pthread_self()` tells green threads apart, too, where it is patched.
    @safe private let home = unsafe __errno_location()

    /// While the core has it, and holds this object.
    @safe private var handle: OpaquePointer?

    /// Starts a timeout for the current green thread.
    ///
    /// - Parameter duration: How long it lasts. Zero or less fires as soon as the thread blocks; nil never fires.
    @available(*, noasync)
    @discardableResult
    public convenience init(_ duration: Duration?) {
        self.init(duration, substitute: nil)
        start()
    }

    /// Starts a timeout for the current green thread that throws another error in place of itself.
    ///
    /// - Parameters:
    ///   - duration: How long it lasts. Zero or less fires as soon as the thread blocks; nil never fires.
    ///   - error: What the thread's blocking call throws.
    @available(*, noasync)
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

    /// Starts it again, for the current green thread and from the beginning, after it was canceled or has fired.
    ///
    /// On one that is still pending it is a mistake that ends the process, and so is a call on another OS thread than
    /// the one that made it.
    @available(*, noasync)
    public func start() {
        guard !isPending else { fatalError("start: this timeout is still pending; cancel it first") }
        guard let duration else { return }
        letGo()
        let reason = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle: OpaquePointer?
        checkOrTrap(unsafe green_timeout_start_with(&handle, duration.nanoseconds, reason, discardTimeout))
        unsafe self.handle = handle
    }

    /// Stops it. Does nothing when it is not pending.
    ///
    /// One whose time is over but that no call has thrown yet never will be. A call on another OS thread than the one
    /// that made it is a mistake that ends the process.
    @available(*, noasync)
    public func cancel() {
        checkHome()
        letGo()
    }

    /// Whether it may still fire: its blocking call has not thrown, it was not canceled, and its thread goes on.
    ///
    /// Never, for one without a duration. A call on another OS thread than the one that made it is a mistake that ends
    /// the process.
    public var isPending: Bool {
        checkHome()
        guard let handle else { return false }
        return unsafe green_timeout_is_pending(handle)
    }

    private func checkHome() {
        guard unsafe home == __errno_location() else {
            fatalError("a Timeout was used on another OS thread than the one that made it; start one there")
        }
    }

    /// Gives the core's timeout back, and so the core's reference to this object, if it still has it.
    private func letGo() {
        guard let handle else { return }
        self.handle = nil
        unsafe green_timeout_free(handle)
    }

    /// The error of the timeout that has just ended a call of the current thread.
    ///
    /// An object that waited in the core, or a new one for a timeout that had none. Nil when no timeout ended it.
    static func thatHasFired() -> (any Error)? {
        if let reason = unsafe green_reason() {
            let timeout = unsafe Unmanaged<Timeout>.fromOpaque(reason).takeRetainedValue()
            timeout.letGo()
            return timeout.substitute ?? timeout
        }
        var nanoseconds: Int64 = 0
        let number = unsafe green_timeout_last(&nanoseconds)
        return number == 0 ? nil : Timeout(.nanoseconds(nanoseconds), substitute: nil, number: number)
    }

    /// The core no longer needs the object: it was canceled, its thread has ended, or nobody asked why a call ended.
    fileprivate func discard() {
        // It may have been started again since.
        if let handle, unsafe !green_timeout_is_pending(handle) {
            letGo()
        }
    }
}

extension Timeout: Hashable {
    public static func == (left: Timeout, right: Timeout) -> Bool {
        left === right
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self))
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
