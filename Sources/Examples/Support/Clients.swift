import Glibc
public import Green

/// A client of a server.
public final class Client {
    public let socket: Socket
    public let address: SocketAddress

    /// When it has last sent something, or been sent something.
    fileprivate var lastActive = ContinuousClock.now
    /// Its handler.
    fileprivate let thread = GreenThread.current

    fileprivate init(_ socket: Socket, _ address: SocketAddress) {
        self.socket = socket
        self.address = address
    }

    /// Notes that the client is not silent.
    public func touch() {
        lastActive = .now
    }
}

/// Serves clients, and keeps the silent ones from holding places that others need.
///
/// A client that has been silent for longer than the limit is dropped. With as many clients as there may be, a new one
/// takes the place of that which has been silent for longest.
public final class Clients {
    private let limit: Int
    private let idle: Duration
    private var clients: [ObjectIdentifier: Client] = [:]

    /// - Parameters:
    ///   - limit: How many there may be at one time; fewer where the system allows fewer descriptors.
    ///   - idle: How long one may be silent.
    ///   - descriptors: How many a client takes.
    public init(limit: Int, idle: Duration, descriptors: Int = 1) {
        self.limit = max(min(limit, (raiseDescriptorLimit() - 64) / descriptors), 1)
        self.idle = idle
    }

    /// Serves until the listener is closed or stopped. What goes wrong with a client is logged, and ends only that one.
    public func serve(_ listener: Listener, _ handle: @escaping (Client) throws -> Void) throws {
        let sweeper = spawn(name: "silent clients") { [self] in try dropSilent() }
        defer { try? sweeper.kill() }
        // Those that make room have left before the last of these places is taken.
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
        drop(silent, "it was silent for longest, and its place was needed")
    }

    private func dropSilent() throws {
        while true {
            try GreenThread.sleep(for: max(min(idle / 8, .seconds(1)), .milliseconds(10)))
            let oldest = ContinuousClock.now - idle
            for client in clients.values where client.lastActive < oldest {
                drop(client, "it was silent for \(seconds(idle))")
            }
        }
    }

    private func drop(_ client: Client, _ reason: String) {
        clients[ObjectIdentifier(client)] = nil
        // Wherever its handler is.
        try? client.thread.kill(throwing: Dropped(description: reason))
    }
}

/// Why a client was dropped.
private struct Dropped: Error, CustomStringConvertible {
    let description: String
}

/// Raises the limit of open descriptors as far as the system lets it, and tells how far that is.
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
