/// Returns whether an error comes from outside of the calling code: its thread was killed, or a time limit around it has
/// expired.
///
/// Use it to let interrupts pass where the code handles failures:
///
/// ```swift
/// while let job = try jobs.next() {
///     do {
///         try process(job)
///     } catch where !isInterrupt(error) {
///         print("\(job) failed: \(error)")
///     }
/// }
/// ```
///
/// It is true for
///
/// - ``GreenExit``, and the error of the last ``GreenThread/kill(throwing:waitingForEnd:)`` of the calling thread;
/// - the ``Timeout`` of a ``withTimeout(_:_:)``, a ``withDeadline(_:_:)`` or a shield that has expired and that the
///   caller has not left yet;
/// - a ``Timeout`` object that has interrupted the calling thread, or the error that it threw in place of itself;
/// - `CancellationError`, if the caller's Task is cancelled, or Green has thrown it for a Task that was.
///
/// So the result depends on where it is called: the timeout of a `withTimeout` is an interrupt inside of it, and a
/// failure (``isTimeout(_:)``) after it. The page <doc:ErrorsAndInterrupts> has a table.
///
/// An error of `kill(throwing:)` that is an object is recognised by its identity. Any other one is if it is equal, or, if
/// its type is not `Equatable`, if it is the same thrown `any Error`. The thread keeps it until its next such error, or
/// its end.
///
/// Does not block.
///
/// - Parameter error: An error.
/// - Returns: Whether it is an interrupt.
public func isInterrupt(_ error: any Error) -> Bool {
    switch error {
    case is GreenExit: true
    case let timeout as Timeout: timeout.isInterrupt
    case is CancellationError where Task.isCancelled: true
    default: ThrownInterrupt.isLast(error)
    }
}
