import Green

/// An error that is none of Green's.
struct Mistake: Error, Equatable {
    let number: Int
}

/// An error with an identity, which tells whether the very same one came back.
final class Incident: Error {
    // It never leaves its OS thread.
    @safe nonisolated(unsafe) let trace: Tracked

    init(_ trace: Tracked) {
        self.trace = trace
    }
}

/// The system error of a call that is to fail with one.
func failure<Value>(of body: () throws -> Value) -> SystemError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? SystemError
    }
}

/// What connecting to where nobody listens any more fails with.
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
