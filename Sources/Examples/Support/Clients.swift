import Glibc
public import Green

/// A client of a server.
public final class Client {
    public let socket: Socket
    public let address: SocketAddress

    /// The time at which it last sent or received bytes.
    fileprivate var lastActive = ContinuousClock.now
    /// Its handler.
    fileprivate let thread = GreenThread.current

    fileprivate init(_ socket: Socket, _ address: SocketAddress) {
        self.socket = socket
        self.address = address
    }

    /// Records that the client is active.
    public func touch() {
        lastActive = .now
    }
}

/// Serves clients, and drops silent ones.
///
/// A client that is silent for longer than the limit is dropped. If the maximum number of clients is connected, a new
/// client replaces the one that has been silent for longest.
public final class Clients {
    private let limit: Int
    private let idle: Duration
    private var clients: [ObjectIdentifier: Client] = [:]

    /// - Parameters:
    ///   - limit: The maximum number of clients; lower if the system allows fewer descriptors.
    ///   - idle: The time that a client may be silent.
    ///   - descriptors: The number of descriptors for each client.
    public init(limit: Int, idle: Duration, descriptors: Int = 1) {
        self.limit = max(min(limit, (raiseDescriptorLimit() - 64) / descriptors), 1)
        self.idle = idle
    }

    /// Serves until the listener is closed or stopped. An error of a client is logged, and ends only that client.
    public func serve(_ listener: Listener, _ handle: @escaping (Client) throws -> Void) throws {
        let sweeper = spawn(name: "silent clients") { [self] in try dropSilent() }
        defer { try? sweeper.kill() }
        // Dropped clients leave before all of the additional places are taken.
        try Green.serve(listener, concurrency: limit + 64) { [self] socket, address in
            let client = Client(socket, address)
            makeRoom()
            clients[ObjectIdentifier(client)] = client
            defer { clients[ObjectIdentifier(client)] = nil }
            do {
                try handle(client)
            } catch let error where !(error is GreenExit) {
                log("\(address): \(error)")
            }
        }
    }

    private func makeRoom() {
        guard clients.count >= limit, let silent = clients.values.min(by: { $0.lastActive < $1.lastActive }) else {
            return
        }
        drop(silent, "silent for longest when a new client connected")
    }

    private func dropSilent() throws {
        while true {
            try GreenThread.sleep(for: max(min(idle / 8, .seconds(1)), .milliseconds(10)))
            let oldest = ContinuousClock.now - idle
            for client in clients.values where client.lastActive < oldest {
                drop(client, "silent for \(seconds(idle))")
            }
        }
    }

    private func drop(_ client: Client, _ reason: String) {
        clients[ObjectIdentifier(client)] = nil
        // This ends the handler in any blocking call.
        try? client.thread.kill(throwing: Dropped(description: reason))
    }
}

/// The reason why a client was dropped.
private struct Dropped: Error, CustomStringConvertible {
    let description: String
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
