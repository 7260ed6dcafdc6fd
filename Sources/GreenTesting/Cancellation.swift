internal import CGreen
internal import Synchronization

/// Kills the body's green thread when a Task is cancelled on another OS thread.
///
/// It has no reference to the hub, because the hub would then report no deadlock. The hub cannot end between
/// ``begin(_:)`` and ``end()``.
final class Cancellation: Sendable {
    private struct State: @unchecked Sendable {
        var isCancelled = false
        var kill: HubCall?
    }

    private let state = Mutex(State())

    /// Kills at once if the Task was cancelled before. Call it, and ``end()``, on the OS thread of the hub.
    func begin(_ kill: @escaping () -> Void) {
        let call = HubCall(kill)
        let isCancelled = state.withLock { state in
            state.kill = call
            return state.isCancelled
        }
        if isCancelled {
            kill()
        }
    }

    func end() {
        state.withLock { $0.kill = nil }
    }

    /// Any OS thread.
    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.kill.take()?.post()
        }
    }
}

/// A function that can be called on the current hub from any OS thread while the hub is open.
@safe
private final class HubCall: @unchecked Sendable {
    private let hub = unsafe green_hub_current()!
    private let function: () -> Void

    init(_ function: @escaping () -> Void) {
        self.function = function
    }

    /// The hub's copy of the post owns this object until the call.
    func post() {
        let post = UnsafeMutablePointer<OwnedPost>.allocate(capacity: 1)
        unsafe post.initialize(
            to: OwnedPost(
                post: green_post(run: runOwnedPost, next: nil, deliver: nil),
                owner: Unmanaged.passRetained(self)
            )
        )
        let result = unsafe green_hub_post(hub, &post.pointee.post)
        precondition(result == 0, "the hub is open")
    }

    func run() {
        function()
    }
}

/// The post is the first member, so that its address is that of the record.
@unsafe
private struct OwnedPost {
    var post: green_post
    let owner: Unmanaged<HubCall>
}

private func runOwnedPost(_ post: UnsafeMutablePointer<green_post>, _ error: Int32) {
    let record = unsafe UnsafeMutableRawPointer(post).assumingMemoryBound(to: OwnedPost.self)
    let call = unsafe record.move().owner.takeRetainedValue()
    unsafe record.deallocate()
    call.run()
}
