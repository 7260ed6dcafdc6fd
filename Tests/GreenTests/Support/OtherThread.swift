import Glibc

/// An OS thread that runs a function. It has no hub until the function makes one.
final class OSThread {
    private final class Errand {
        let body: () -> Void

        init(_ body: @escaping () -> Void) {
            self.body = body
        }
    }

    private var thread = pthread_t()

    init(_ body: @escaping () -> Void) {
        let errand = unsafe Unmanaged.passRetained(Errand(body)).toOpaque()
        let error = unsafe pthread_create(
            &thread,
            nil,
            { errand in
                unsafe Unmanaged<Errand>.fromOpaque(errand!).takeRetainedValue().body()
                return nil
            },
            errand
        )
        precondition(error == 0)
    }

    /// Blocks the calling OS thread until the function has returned. Call it once.
    func join() {
        pthread_join(thread, nil)
    }

    /// Lets the OS thread end without a ``join()``.
    func detach() {
        pthread_detach(thread)
    }
}

/// Runs the body on a new OS thread, and waits for its end.
func onAnotherThread(_ body: @escaping () -> Void) {
    OSThread(body).join()
}
