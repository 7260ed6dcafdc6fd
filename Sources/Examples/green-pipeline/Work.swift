import Green

/// The processing of an item: a request to a server, or a pause and a checksum.
final class Work {
    private let server: String?
    private let time: Duration
    private var connection: Socket?

    /// - Parameters:
    ///   - server: The address of a server that answers each line with a line.
    ///   - time: The duration of the work on an item without a server.
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
            // The answer may still arrive, and must not be taken for that of the next item.
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
