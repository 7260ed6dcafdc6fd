import Green
import GreenTesting

/// The error that the body throws, or nil.
func errorThrown<Value>(by body: () throws -> Value) -> (any Error)? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

/// The timeout that the body throws, or nil.
func timeoutThrown<Value>(by body: () throws -> Value) -> Timeout? {
    errorThrown(by: body) as? Timeout
}

/// Blocks for longer than any limit of the tests but those of centuries.
func dawdle() throws {
    try GreenThread.sleep(for: .seconds(100_000))
}

/// Lets a virtual clock advance, whatever limits the caller.
func pass(_ duration: Duration) {
    do {
        try withCancellationShield(limit: nil) { try GreenThread.sleep(for: duration) }
    } catch {
        fatalError("a shield without a limit was interrupted: \(error)")
    }
}
