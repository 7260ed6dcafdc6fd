internal import CGreen
internal import Green

/// One run of a body on a fresh hub.
final class TestHub<Success> {
    private let virtualClock: Bool
    private let engine: String?
    /// Nil when it has returned: it must not escape from the synchronous `withTestHub`.
    private var body: (() throws -> Success)?
    private var outcome: Result<Success, any Error>?
    let cancellation = Cancellation()

    init(virtualClock: Bool, engine: String?, body: @escaping () throws -> Success) {
        self.virtualClock = virtualClock
        self.engine = engine
        self.body = body
    }

    /// Runs the body and ends the hub, on an OS thread that has none.
    func run() {
        defer { body = nil }
        outcome = Result {
            try open()
            let outcome = runBody()
            let leftovers = try Leftovers.end()
            let value = try outcome.get()
            if let leftovers {
                throw leftovers
            }
            return value
        }
    }

    func takeOutcome() throws -> Success {
        try outcome.take()!.get()
    }

    private func open() throws {
        var options = unsafe green_hub_options()
        unsafe options.virtual_clock = virtualClock
        let error = unsafe "test".withCString { name in
            unsafe options.name = unsafe name
            guard let engine else { return unsafe green_hub_open(&options) }
            return unsafe engine.withCString { engine in
                unsafe options.engine = unsafe engine
                return unsafe green_hub_open(&options)
            }
        }
        try checkResult(error)
    }

    /// The handles of the thread and its result end here, so that they are not left in the hub.
    private func runBody() -> Result<Success, any Error> {
        Result {
            let thread = spawn(name: "test") { try self.body!() }
            cancellation.begin { try? thread.kill(throwing: CancellationError()) }
            defer { cancellation.end() }
            return try thread.wait()
        }
    }
}

/// Throws the error of a result of the core.
private func checkResult(_ result: Int32) throws {
    guard result < 0 else { return }
    throw SystemError(code: Errno(rawValue: -result), message: unsafe String(cString: green_explain(result)))
}
