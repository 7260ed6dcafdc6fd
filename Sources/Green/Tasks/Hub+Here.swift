internal import CGreen

extension Hub {
    /// The hub of this OS thread. Nil if there is none; makes none.
    static var ofThisOSThread: Hub? {
        guard let handle = unsafe green_task_hub() else { return nil }
        return unsafe Hub(owning: green_hub_retain(handle))
    }

    /// The hub on which the caller is a green thread, so that it runs other threads soon. Nil if there is none: the
    /// context of an OS thread may never block again.
    static var running: Hub? {
        guard let handle = unsafe green_task_running_hub() else { return nil }
        return unsafe Hub(owning: green_hub_retain(handle))
    }
}
