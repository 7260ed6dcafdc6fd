import Glibc
public import Green

/// A client of a server. It belongs to one hub.
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

/// The clients of the server on one hub.
///
/// A client that is silent for longer than the limit is dropped. If the maximum number of clients is connected, a new
/// client replaces the one that has been silent for longest.
final class Clients {
    private let limit: Int
    private let idle: Duration
    private var clients: [ObjectIdentifier: Client] = [:]

    /// Also starts the thread that drops silent clients.
    init(limit: Int, idle: Duration) {
        self.limit = limit
        self.idle = idle
        detach(name: "silent clients") { [self] in try dropSilent() }
    }

    /// Runs the handler of a client. An error of a client is logged, and ends only that client.
    func serve(_ socket: Socket, _ address: SocketAddress, _ handle: (Client) throws -> Void) throws {
        let client = Client(socket, address)
        makeRoom()
        clients[ObjectIdentifier(client)] = client
        defer { clients[ObjectIdentifier(client)] = nil }
        do {
            try handle(client)
        } catch  where error is Dropped || !isInterrupt(error) {
            log("\(address): \(error)")
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
