internal import CGreen

/// Starts a function in a new green thread that nobody waits for.
///
/// Like ``spawn(name:stackSize:after:_:)`` but without a handle, and cheaper. An error that the function throws is
/// reported on standard error, and so is a failure to start it; ``GreenExit`` is not.
///
/// Does not block.
///
/// - Parameters:
///   - name: Shown by ``GreenThread/dumpAll(to:)`` and in messages; at most 31 bytes of it.
///   - stackSize: Bytes of address space for its stack, at least 64 KiB; nil is the hub's default of 1 MiB.
///   - function: What to run.
@available(*, noasync)
public func detach(name: String? = nil, stackSize: Int? = nil, _ function: @escaping () throws -> Void) {
    let argument = unsafe Unmanaged.passRetained(DetachedFunction(function)).toOpaque()
    let result = unsafe withSpawnOptions(name: name, stackSize: stackSize, delay: nil, discard: discardDetached) {
        unsafe green_spawn_with(nil, $0, runDetached, argument)
    }
    if result < 0 {
        report(failure(result), "detach")
        unsafe discardDetached(argument)
    }
}

private final class DetachedFunction {
    let call: () throws -> Void

    init(_ call: @escaping () throws -> Void) {
        self.call = call
    }
}

private func runDetached(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    let function = unsafe Unmanaged<DetachedFunction>.fromOpaque(argument!).takeRetainedValue()
    do {
        try function.call()
        return 0
    } catch {
        endDetached(error)
        return failedInSwift
    }
}

private func discardDetached(_ argument: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<DetachedFunction>.fromOpaque(argument!).release()
}

/// Somebody who asked for `GreenThread.current` in it may wait for it after all.
private func endDetached(_ error: any Error) {
    let thread = unsafe green_current()
    if let thread = unsafe thread, let state = unsafe ThreadState.known(for: thread) {
        state.end(error)
    } else if !(error is GreenExit) {
        report(error, "\(label(of: thread)) ended with an error")
    }
}
