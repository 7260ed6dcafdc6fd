internal import CGreen

/// A function to call when a green thread ends; see ``GreenThread/onExit(_:)``.
///
/// The function is called even if no reference to the link remains.
@safe
public final class GreenLink {
    private var function: (() throws -> Void)?

    /// The core's link, while it holds this object.
    @safe private var handle: OpaquePointer?

    init(_ function: @escaping () throws -> Void) {
        self.function = function
    }

    /// Removes the link, so that its function is not called. Does nothing if the function has been called.
    public func remove() {
        guard let handle else { return }
        self.handle = nil
        function = nil
        unsafe green_link_remove(handle)
        unsafe Unmanaged.passUnretained(self).release()
    }

    func attach(to thread: OpaquePointer?) {
        guard let thread = unsafe thread else { return unsafe call(in: thread) }
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        var link: OpaquePointer?
        let result = unsafe green_thread_link(thread, &link, callLink, argument)
        // Swift allocates for this call, too, and traps without memory.
        precondition(result >= 0, "no memory to link to a green thread")
        handle = unsafe link
    }

    fileprivate func call(in thread: OpaquePointer?) {
        let function = self.function
        self.function = nil
        handle = nil
        do {
            try function?()
        } catch {
            reportFailure(error, "a function called on the exit of \(label(of: thread)) failed")
        }
    }
}

@available(*, unavailable)
extension GreenLink: Sendable {}

private func callLink(_ thread: OpaquePointer, _ argument: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<GreenLink>.fromOpaque(argument!).takeRetainedValue().call(in: thread)
}
