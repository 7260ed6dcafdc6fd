internal import CGreen

/// The Swift side of one green thread: the function it is to call, then the outcome.
///
/// One object for each spawn, held by the handles and, until it has ended, by the thread itself. Its name, its stack
/// and who waits for it are the C handle's business.
///
/// Only the OS thread of its hub touches it, and no access spans a blocking call; so the properties do without the
/// run-time check for overlapping accesses, which costs as much as a switch.
@usableFromInline
@safe
final class ThreadState {
    @usableFromInline
    enum Step {
        /// Calls the function in the slot and leaves its outcome.
        case run
        /// Destroys the function in the slot.
        case discard
        /// Destroys the value in the slot.
        case destroy
    }

    @usableFromInline
    enum Phase {
        /// The slot holds the function.
        case pending
        /// The slot is empty; the outcome is still to come.
        case running
        /// The slot holds the value.
        case returned
        /// `failure` holds the error.
        case failed
    }

    @safe @exclusivity(unchecked)
    @usableFromInline
    var slot = Slot()

    /// Performs a step for the type that is in the slot. It captures nothing, so that it costs no allocation.
    @usableFromInline
    let perform: (ThreadState, Step) -> Void

    /// Owned. Nil when the thread could not be started.
    @safe @exclusivity(unchecked)
    var handle: OpaquePointer?

    /// The error it ended with; in a pending thread, the one it is to end with.
    @safe @exclusivity(unchecked)
    @usableFromInline
    var failure: (any Error)?

    @safe @exclusivity(unchecked)
    @usableFromInline
    var phase = Phase.pending

    /// Somebody has been given the outcome.
    @safe @exclusivity(unchecked)
    var isObserved = false

    @inlinable
    init<Success>(_ function: @escaping () throws -> Success) {
        perform = { state, step in
            switch step {
            case .run:
                do {
                    state.slot.store(try state.slot.take((() throws -> Success).self)())
                    state.phase = .returned
                } catch {
                    state.fail(error)
                }
            case .discard:
                _ = state.slot.take((() throws -> Success).self)
            case .destroy:
                _ = state.slot.take(Success.self)
            }
        }
        slot.store(function)
    }

    /// The state of a thread that was not spawned here: an OS thread's own, one of C, a detached one.
    init(adopting handle: OpaquePointer) {
        perform = { _, _ in }
        phase = .running
        self.handle = unsafe green_thread_retain(handle)
    }

    /// The state of a thread that there is not, because it could not be made.
    init(failed error: any Error) {
        perform = { _, _ in }
        phase = .failed
        failure = error
    }

    deinit {
        // Do this first, so that the value's deinitialiser cannot find this object through its thread and retain it.
        if let handle {
            unsafe green_thread_set_context(handle, nil)
        }
        switch phase {
        case .returned: perform(self, .destroy)
        case .failed: reportUnlessObserved()
        case .pending: perform(self, .discard)
        case .running: break
        }
        unsafe green_thread_release(handle)
    }

    private func reportUnlessObserved() {
        if !isObserved, let failure, !(failure is GreenExit) {
            report(failure, "\(label(of: handle)) ended with an error that nobody waited for")
        }
    }
}
