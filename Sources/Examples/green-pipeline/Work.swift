import Green

/// What a worker does with an item: it asks a server, or it takes its time and computes a number.
final class Work {
    private let server: String?
    private let time: Duration
    private var connection: Socket?

    /// - Parameters:
    ///   - server: An address where a server answers each line with a line.
    ///   - time: How long an item takes where there is no server.
    init(server: String?, time: Duration) {
        self.server = server
        self.time = time
    }

    func result(of item: String) throws -> String {
        if let server {
            return try ask(server, item)
        }
        try GreenThread.sleep(for: time)
        return String(checksum(of: item), radix: 16)
    }

    private func ask(_ server: String, _ item: String) throws -> String {
        do {
            let socket = try connection ?? connect(to: server)
            connection = socket
            try socket.write("\(item)\n")
            guard let answer = try socket.readLine() else {
                throw SystemError(code: .connectionReset, message: "\(server) closed the connection without an answer")
            }
            return answer
        } catch {
            // The answer may still come, and the next item is not to take it for its own.
            connection?.close()
            connection = nil
            throw error
        }
    }

    /// FNV-1a.
    private func checksum(of item: String) -> UInt64 {
        item.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
