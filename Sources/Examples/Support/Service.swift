import Glibc
public import Green

/// A server on one or several hubs, which drops silent clients.
public struct Service: Sendable {
    public let hubs: HubPool
    private let limit: Int
    private let clients: HubLocal<Clients>

    /// Starts the hubs: as many as `--hubs` says.
    ///
    /// - Parameters:
    ///   - options: `--hubs`, `--concurrency` and `--idle`.
    ///   - idle: The default of `--idle`.
    ///   - descriptors: The number of descriptors for each client.
    public init(_ options: Options, idle: Duration, descriptors: Int = 1) throws {
        let count = options["hubs", default: 1, atMost: 1024]
        let (concurrency, idle) = (options["concurrency", default: 10_000], options["idle", default: idle])
        let limit = max(min(concurrency, (raiseDescriptorLimit() - 64) / descriptors) / count, 1)
        hubs = try HubPool(count: count, name: "hub")
        clients = HubLocal { Clients(limit: limit, idle: idle) }
        self.limit = limit
    }

    /// Listens on an address, and runs the handler of each client on one of the hubs.
    public func start(
        on address: String,
        _ options: Options,
        _ handle: @escaping @Sendable (Client) throws -> Void
    ) throws -> Server {
        // Dropped clients leave before all of the additional places are taken.
        try options.serve(on: address, hubs: hubs, concurrency: limit + 64) { [clients] socket, address in
            try clients.here.serve(socket, address, handle)
        }
    }

    /// Waits until the server has ended, and ends the hubs.
    public func wait(for server: Server) throws {
        try server.wait()
        // The threads that are left drop silent clients, or wait for lines.
        try hubs.close(drainingFor: .zero)
    }
}

/// Raises the limit of open descriptors to the maximum that the system allows, and returns it.
private func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    let current = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
        limit.rlim_cur = current
    }
    return Int(clamping: limit.rlim_cur)
}
