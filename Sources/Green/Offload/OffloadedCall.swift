/// A function for a worker, without the type of its result.
class OffloadedFunction {
    func call() {}
}

/// A function for a worker, and then its result. It has one user at a time: first the worker, then the caller.
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
        // Only this caller has it, and the call is over.
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
