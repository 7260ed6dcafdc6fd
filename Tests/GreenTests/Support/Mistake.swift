import Green

/// An error of the tests, not of Green.
struct Mistake: Error, Equatable {
    let number: Int
}

/// An error with an identity, to check that the same error was returned.
final class Incident: Error {
    // It never leaves its OS thread.
    @safe nonisolated(unsafe) let trace: Tracked

    init(_ trace: Tracked) {
        self.trace = trace
    }
}

/// Returns the system error of a call that must fail with one.
func failure<Value>(of body: () throws -> Value) -> SystemError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? SystemError
    }
}

/// The error of connecting to an address where a listener was closed.
///
/// A child that another test starts has a copy of the listener until its exec.
func refusal(by address: SocketAddress) throws -> SystemError? {
    for _ in 0..<1000 {
        if let error = failure(of: { try connect(to: address) }) {
            return error
        }
        try GreenThread.sleep(for: .milliseconds(5))
    }
    return nil
}
