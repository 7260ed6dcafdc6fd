internal import CGreen

/// Starts a function in a new green thread, without a handle.
///
/// The same as ``GreenThread/detach(name:stackSize:_:)``.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
///   - function: The function to run.
@available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
public func detach(name: String? = nil, stackSize: Int? = nil, _ function: @escaping () throws -> Void) {
    GreenThread.detach(name: name, stackSize: stackSize, function)
}

extension GreenThread where Success == Never {
    /// Starts a function in a new green thread, without a handle.
    ///
    /// Like ``spawn(name:stackSize:after:_:)``, but cheaper. An error that the function throws is reported on standard
    /// error, except ``GreenExit``. If the thread cannot be started, that error is reported.
    ///
    /// Does not block.
    ///
    /// ``/Green/detach(name:stackSize:_:)`` is the same as a free function.
    ///
    /// - Parameters:
    ///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
    ///   - stackSize: Bytes of address space for the stack, at least 64 KiB; nil means the hub's default of 1 MiB.
    ///   - function: The function to run.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public static func detach(name: String? = nil, stackSize: Int? = nil, _ function: @escaping () throws -> Void) {
        unsafe DetachedFunction(function).start(name: name, stackSize: stackSize) {
            unsafe green_spawn_with(nil, $0, $1, $2)
        }
    }
}

/// A function that runs in a thread without a handle.
final class DetachedFunction {
    fileprivate let call: () throws -> Void

    /// Whether it is being started. If it is called now, a full pool calls it in place, on the caller's stack.
    private var isStarting = false

    /// The error that it threw in place.
    private var failure: (any Error)?

    init(_ call: @escaping () throws -> Void) {
        self.call = call
    }

    /// Starts it by a call of the core. Reports if that fails.
    func start(
        name: String?,
        stackSize: Int?,
        by spawn: (
            UnsafePointer<green_spawn_options>, @convention(c) (UnsafeMutableRawPointer?) -> Int32,
            UnsafeMutableRawPointer
        ) -> Int32
    ) {
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: nil, discard: discardDetached) {
            unsafe spawn($0, runDetached, argument)
        }
        if result < 0 {
            report(Green.failure(result), "detach")
            unsafe discardDetached(argument)
        }
    }

    /// Passes it to a pool. If the pool is full and the caller is one of its threads, the pool calls it in place.
    ///
    /// Throws if the function was not called, or if the caller was interrupted during a call in place.
    func start(in pool: OpaquePointer, name: String?, stackSize: Int?, timeout: Int64) throws {
        isStarting = true
        defer { isStarting = false }
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: nil, discard: discardDetached) {
            unsafe green_pool_spawn(pool, nil, $0, runDetached, argument, timeout)
        }
        if let failure {
            guard result >= 0 else { throw failure }
            let caller = label(of: unsafe green_current())
            reportFailure(failure, "a function that \(caller) detached ended with an error")
        } else if result < 0 {
            let error = Green.failure(result)
            unsafe discardDetached(argument)
            guard isLackOfMemory(error) else { throw error }
            report(error, "detach")
        }
    }

    fileprivate func end(_ error: any Error) {
        guard !isStarting else { return failure = error }
        // If the function read `GreenThread.current`, another thread can wait for that handle.
        let thread = unsafe green_current()
        if let thread = unsafe thread, let state = unsafe ThreadState.known(for: thread) {
            state.content = .error(error)
        } else {
            reportFailure(error, "\(label(of: thread)) ended with an error")
        }
    }
}

private func runDetached(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    let function = unsafe Unmanaged<DetachedFunction>.fromOpaque(argument!).takeRetainedValue()
    do {
        try function.call()
        return 0
    } catch {
        function.end(error)
        return failedInSwift
    }
}

private func discardDetached(_ argument: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<DetachedFunction>.fromOpaque(argument!).release()
}
