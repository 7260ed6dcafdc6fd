internal import CGreen

extension GreenThread {
    /// The name, or "". Names are cut to 31 bytes.
    public var name: String {
        get {
            guard let handle = state.handle else { return "" }
            return unsafe String(cString: green_thread_name(handle))
        }
        nonmutating set {
            guard let handle = state.handle else { return }
            unsafe green_thread_set_name(handle, newValue)
        }
    }

    /// A number that is unique within the process, counted from 1. A thread that could not be started has 0.
    public var id: UInt64 {
        guard let handle = state.handle else { return 0 }
        return unsafe green_thread_id(handle)
    }

    /// The size of the stack in bytes of address space; 0 for a thread that has ended and for an OS thread's own
    /// context.
    public var stackSize: Int {
        guard let handle = state.handle else { return 0 }
        return unsafe green_thread_stack_size(handle)
    }

    /// The maximum number of bytes of the stack that were in use, rounded up to pages; 0 where ``stackSize`` is 0.
    public var stackUsed: Int {
        guard let handle = state.handle else { return 0 }
        return unsafe green_thread_stack_used(handle)
    }
}
