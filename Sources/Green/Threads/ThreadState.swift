internal import CGreen

/// The Swift side of one green thread: its function, and then what the function returned or threw.
///
/// One object for each spawn, held by the handles and, until it has ended, by the thread itself. The C handle has
/// everything else: the thread's name, its stack, whether it has finished, the threads that wait for it and the reason
/// of its kill.
///
/// C cannot hold an `any Error`. So a function that throws returns `failedInSwift` to C, which does not report that, and
/// the state reports the error if no call has returned it. C reports the error of a C function, unless a call in Swift
/// has waited for its thread.
///
/// Only the OS thread of its hub touches it, and no access spans a blocking call; so the properties do without the
/// run-time check for overlapping accesses, which costs as much as a switch.
@usableFromInline
@safe
final class ThreadState {
    @usableFromInline
    enum Step {
        /// Calls the function in the slot and stores its outcome.
        case run
        /// Destroys the function in the slot.
        case discard
        /// Destroys the value in the slot.
        case destroy
    }

    @usableFromInline
    enum Content {
        /// The slot holds the function.
        case function
        /// The slot is empty, and the outcome is not here yet.
        case nothing
        /// The slot holds the value that the function returned.
        case value
        /// The slot is empty; this is what the function threw, or what ended the thread before it called the function.
        case error(any Error)
    }

    @safe @exclusivity(unchecked)
    @usableFromInline
    var slot = Slot()

    @safe @exclusivity(unchecked)
    @usableFromInline
    var content = Content.function

    /// Performs a step for the type that is in the slot. It captures nothing, so that it costs no allocation.
    @usableFromInline
    let perform: (ThreadState, Step) -> Void

    /// Owned. Nil when the thread could not be started.
    @safe @exclusivity(unchecked)
    var handle: OpaquePointer?

    /// The number of the first ``GreenGroup`` that the thread is in, or was in when that group was released; 0 for none.
    @safe @exclusivity(unchecked)
    var group: UInt64 = 0

    /// Whether a call has returned the error. C's own mark does not tell: there, a thread that was taken out of a group
    /// is marked, too.
    @safe @exclusivity(unchecked)
    var isObserved = false

    @inlinable
    init<Success>(_ function: consuming @escaping () throws -> Success) {
        perform = { state, step in
            switch step {
            case .run:
                do {
                    state.slot.store(try state.slot.take((() throws -> Success).self)())
                    state.content = .value
                } catch {
                    state.content = .error(error)
                }
            case .discard:
                _ = state.slot.take((() throws -> Success).self)
            case .destroy:
                _ = state.slot.take(Success.self)
            }
        }
        slot.store(function)
    }

    /// The same for a function of one argument, which costs no closure for each argument.
    @inlinable
    init<Input, Success>(_ input: Input, _ function: consuming @escaping (Input) throws -> Success) {
        typealias Call = (function: (Input) throws -> Success, input: Input)
        perform = { state, step in
            switch step {
            case .run:
                do {
                    let call = state.slot.take(Call.self)
                    state.slot.store(try call.function(call.input))
                    state.content = .value
                } catch {
                    state.content = .error(error)
                }
            case .discard:
                _ = state.slot.take(Call.self)
            case .destroy:
                _ = state.slot.take(Success.self)
            }
        }
        slot.store((function: function, input: input) as Call)
    }

    /// The state of a thread that was not spawned here: an OS thread's own context, a thread of C, a detached one.
    init(adopting handle: OpaquePointer) {
        perform = { _, _ in }
        content = .nothing
        self.handle = unsafe green_thread_retain(handle)
    }

    /// The state of a thread that could not be made.
    init(failed error: any Error) {
        perform = { _, _ in }
        content = .error(error)
    }

    deinit {
        // Do this first, so that the value's deinitialiser cannot find this object through its thread and retain it.
        if let handle {
            unsafe green_thread_set_context(handle, nil)
        }
        switch content {
        case .function: perform(self, .discard)
        case .nothing: break
        case .value: perform(self, .destroy)
        case .error(let error):
            if !isObserved {
                let thread = unsafe GreenReport.Origin(of: handle)
                reportFailure(error, "\(label(of: handle)) ended with an error that no thread waited for", of: thread)
            }
        }
        unsafe green_thread_release(handle)
    }
}
