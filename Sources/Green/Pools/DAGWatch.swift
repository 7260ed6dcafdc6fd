internal import SystemPackage

/// Somebody's wait for some keys of a ``DAGPool``.
final class DAGWatch<Key: Hashable & Sendable, Value> {
    private let state: DAGState<Key, Value>

    /// The keys that have not come; the state knows of the watch while there are any.
    private var missing: Set<Key>

    /// Those that have, in the order they did, and how many of them were handed out.
    private var arrived: [Key] = []
    private var taken = 0

    /// The first failure that came.
    private var failure: PropagatedError?

    /// Whether the waiter has nothing to do before all keys have come or one has failed.
    private let wantsAll: Bool

    /// What it is woken by, while it waits.
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
            send { try $0.send() }
        }
    }

    /// No key will come any more.
    func abandon() {
        send { try $0.send(throwing: GreenExit()) }
    }

    private func send(_ body: (Event<Void>) throws -> Void) {
        guard let wake else { return }
        self.wake = nil
        do {
            try body(wake)
        } catch {
            // It was not sent before; so the caller is on another OS thread.
            fatalError("\(error)")
        }
    }

    /// All values, once they have come.
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

    /// The next value or failure, once it has come; nil behind the last. An error of the wait itself is the last.
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
            throw DeadlockError(message: "waiting for \(names), which nobody will ever supply")
        }
    }

    /// "key "a" of a DAGPool", "key "a" and 2 others of a DAGPool".
    private var names: String {
        let name = missing.first.map { String(reflecting: $0) } ?? "none"
        return "key \(name)\(missing.count > 1 ? " and \(missing.count - 1) others" : "") of a DAGPool"
    }
}
