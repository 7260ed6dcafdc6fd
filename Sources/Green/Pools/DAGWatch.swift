internal import SystemPackage

/// A wait for keys of a ``DAGPool``.
final class DAGWatch<Key: Hashable & Sendable, Value> {
    private let state: DAGState<Key, Value>

    /// The keys without an outcome. The watch is registered with the state while there are any.
    private var missing: Set<Key>

    /// The keys with an outcome, in the order in which they completed, and how many of them were returned.
    private var arrived: [Key] = []
    private var taken = 0

    /// The first failure.
    private var failure: PropagatedError?

    /// Whether the wait ends only when all keys have a value or one has failed.
    private let wantsAll: Bool

    /// Wakes the waiting thread.
    private var wake: Event<Void>?

    /// The wait was interrupted.
    private var hasEnded = false

    init(_ state: DAGState<Key, Value>, keys: Set<Key>, wantsAll: Bool = false) {
        self.state = state
        self.wantsAll = wantsAll
        missing = keys
        for key in state.enter(self, keys) {
            if let outcome = state.look(at: key) {
                arrive(key, outcome)
            }
        }
    }

    deinit {
        state.leave(ObjectIdentifier(self), missing)
    }

    func arrive(_ key: Key, _ outcome: Result<Value, PropagatedError>) {
        missing.remove(key)
        arrived.append(key)
        if case .failure(let error) = outcome, failure == nil {
            failure = error
        }
        if !wantsAll || missing.isEmpty || failure != nil {
            wakeUp(.success(()))
        }
    }

    /// Ends the wait, because no key will get a value.
    func abandon() {
        wakeUp(.failure(GreenExit()))
    }

    private func wakeUp(_ outcome: Result<Void, any Error>) {
        wake?.sendOnce(outcome)
        wake = nil
    }

    /// Waits for all values.
    func values(timeout: Duration?) throws -> [Key: Value] {
        try checkInterrupt()
        if !missing.isEmpty, failure == nil {
            try wait(timeout: timeout)
        }
        if let failure {
            throw failure
        }
        return try arrived.reduce(into: [:]) { values, key in values[key] = try state.look(at: key)!.get() }
    }

    /// Waits for the next value or failure. Returns nil at the end. An error of the wait itself is the last item.
    func nextItem() -> Result<(key: Key, value: Value), any Error>? {
        guard !hasEnded else { return nil }
        do {
            try checkInterrupt()
            while taken == arrived.count {
                guard !missing.isEmpty else { return nil }
                try wait(timeout: nil)
            }
        } catch {
            hasEnded = true
            return .failure(error)
        }
        let key = arrived[taken]
        taken += 1
        return Result { (key, try state.look(at: key)!.get()) }
    }

    private func wait(timeout: Duration?) throws {
        guard !state.isAbandoned else { throw GreenExit() }
        let wake = wake ?? Event()
        self.wake = wake
        do {
            try wake.wait(timeout: timeout)
        } catch let error as SystemError where error.code == .timedOut {
            throw SystemError(code: .timedOut, message: "waiting for \(names): no value in time (ETIMEDOUT)")
        } catch is DeadlockError {
            throw DeadlockError(message: "waiting for \(names), which no thread can supply")
        }
    }

    /// "key "a" of a DAGPool", "key "a" and 2 others of a DAGPool".
    private var names: String {
        let name = missing.first.map { String(reflecting: $0) } ?? "none"
        return "key \(name)\(missing.count > 1 ? " and \(missing.count - 1) others" : "") of a DAGPool"
    }
}
