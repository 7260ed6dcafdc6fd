/// A function on its way to a native thread, of a type that the core need not know.
class OffloadedFunction {
    func call() {}
}

/// The same with its result on the way back. It has one user at a time: first the native thread, then the caller.
final class OffloadedCall<Success>: OffloadedFunction {
    private let function: @Sendable () throws -> sending Success
    private var result: Result<Success, any Error>?

    init(_ function: @escaping @Sendable () throws -> sending Success) {
        self.function = function
    }

    override func call() {
        result = Result { try function() }
    }

    func takeResult() throws -> sending Success {
        // Nobody else has it: it was made for this caller, and the call is over.
        nonisolated(unsafe) let value = try result.take()!.get()
        return unsafe value
    }
}

func callOffloaded(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    unsafe Unmanaged<OffloadedFunction>.fromOpaque(argument!).takeUnretainedValue().call()
    return 0
}

func releaseOffloaded(_ argument: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<OffloadedFunction>.fromOpaque(argument!).release()
}
