import Green

/// An HTTP server with scripted responses, for a client that closes after each.
final class WebServer {
    let address: SocketAddress
    /// The heads of the requests, line by line, in order of arrival.
    private(set) var requests: [[String]] = []
    /// The maximum number of concurrent requests.
    private(set) var most = 0

    private let listener: Listener
    private let answer: (_ target: String) throws -> String
    private var running = 0

    /// Starts the server.
    ///
    /// - Parameters:
    ///   - address: The address to listen on.
    ///   - answer: Returns the response for a target, beginning with the status line. It may block; an error ends the
    ///     connection.
    init(on address: String = "127.0.0.1:0", _ answer: @escaping (_ target: String) throws -> String) throws {
        listener = try listen(on: address)
        self.address = try listener.address
        self.answer = answer
        detach(name: "web server") { [self] in try serve(listener, onError: { _ in }, handle) }
    }

    /// The targets of the requests, in order of arrival.
    var targets: [String] {
        requests.map { String($0[0].split(separator: " ")[1]) }
    }

    func url(_ target: String) -> String {
        "http://\(address)\(target)"
    }

    /// Stops the server and its handlers.
    func stop() throws {
        try listener.stop(drainingFor: .zero)
    }

    private func handle(_ client: Socket, _: SocketAddress) throws {
        running += 1
        most = max(most, running)
        defer { running -= 1 }
        var head: [String] = []
        while let line = try client.readLine(), !line.isEmpty {
            head.append(line)
        }
        guard let target = head.first?.split(separator: " ").dropFirst().first else { return }
        requests.append(head)
        try client.write(answer(String(target)))
    }
}

/// A response with a body of known length.
func page(_ body: String, status: String = "200 OK", _ fields: String...) -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n"
        + fields.map { "\($0)\r\n" }.joined() + "\r\n\(body)"
}
