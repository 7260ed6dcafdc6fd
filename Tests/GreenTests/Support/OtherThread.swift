import Glibc

/// Runs the body on a new OS thread, and waits for its end.
func onAnotherThread(_ body: @escaping () -> Void) {
    final class Errand {
        let body: () -> Void

        init(_ body: @escaping () -> Void) {
            self.body = body
        }
    }
    var thread = pthread_t()
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
    pthread_join(thread, nil)
}
