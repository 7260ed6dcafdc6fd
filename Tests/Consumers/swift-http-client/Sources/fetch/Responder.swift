import Green

/// A small HTTP/1.1 server: answers a path with the path, after a moment, and "/never" not at all.
func respond(to client: Socket) throws {
    while let path = try readPath(of: client) {
        if path == "/never" { try GreenThread.sleep(for: .seconds(100_000)) }
        try GreenThread.sleep(for: .milliseconds(10))
        try client.write("HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)")
    }
}

/// Reads the head of a request. Nil: the client has closed the connection.
private func readPath(of client: Socket) throws -> String? {
    guard let request = try client.readLine() else { return nil }
    while let field = try client.readLine(), !field.isEmpty {}
    return request.split(separator: " ").dropFirst().first.map(String.init)
}
