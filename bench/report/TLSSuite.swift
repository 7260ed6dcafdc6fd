import Foundation

/// Measures TLS: Green beside programs that use OpenSSL directly, each once per round.
///
/// The measured program has the first core. Its peer has the other core, and is the same OpenSSL program in all
/// comparisons.
struct TLSSuite {
    var programs: Programs
    var isQuick: Bool

    func run(rounds: Int) throws -> TLSResults {
        let folder = try TLSFolder()
        defer { folder.remove() }
        var results = TLSResults()
        for round in 1...rounds {
            progress("round \(round) of \(rounds): tls, bulk")
            for core in [Core.measured, .load] { results.speed[core.rawValue].append(try cipherSpeed(on: core)) }
            for index in results.bulk.indices {
                results.bulk[index].rounds.append(try measure(results.bulk[index], folder))
            }
            progress("round \(round) of \(rounds): tls, messages")
            for index in results.messages.indices {
                results.messages[index].rounds.append(try measure(results.messages[index].kind, folder))
            }
            progress("round \(round) of \(rounds): tls, handshakes")
            try measureHandshakes(folder, into: &results.handshakes)
        }
        progress("tls, responses and idle connections")
        for index in results.responses.indices {
            results.responses[index].counts = try count(isApart: results.responses[index].isApart, folder)
        }
        for index in results.idle.indices {
            results.idle[index].memory = try measureIdle(isEncrypted: results.idle[index].isEncrypted, folder)
        }
        return results
    }

    /// Runs a program to its end, and decodes what it prints.
    private func figures<Figures: Decodable>(_ command: [String], on core: Core) throws -> Figures {
        try decode(try Child(bounded(command), on: core).finish())
    }

    private func decode<Figures: Decodable>(_ text: String) throws -> Figures {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Figures.self, from: Data(text.utf8))
    }
}

// MARK: - Bulk

extension TLSSuite {
    /// GB that `openssl speed` encrypts in a second of processor time.
    private func cipherSpeed(on core: Core) throws -> Double {
        let command = ["openssl", "speed", "-evp", "aes-128-gcm", "-bytes", "16384", "-seconds", "1", "-mr"]
        let lines = try Child(bounded(command), on: core, isLoud: false).finish().split(separator: "\n")
        // For example "+F:25:AES-128-GCM:3430219776.00".
        guard let fields = lines.first(where: { $0.hasPrefix("+F:") })?.split(separator: ":"),
            let speed = fields.last.flatMap({ Double($0) })
        else { throw BenchError("`openssl speed` printed no figure") }
        return speed / 1e9
    }

    private func measure(_ bulk: TLSBulk, _ folder: TLSFolder) throws -> TLSCost {
        let isSender = bulk.side == .sender
        let amount = isQuick ? 256 << 20 : 1 << 30
        func program(_ side: TLSBulk.Side) -> [String] {
            let own = bulk.side == side
            return switch own ? bulk.program : .readAhead {
            case .green: [programs.tls]
            case .openssl: [programs.openssl]
            case .readAhead: [programs.openssl, "--read-ahead"]
            }
        }
        let server = bulk.isEncrypted ? folder.serverOptions(.ecdsa) : []
        let client = bulk.isEncrypted ? folder.clientOptions : []
        let receiver = try Child(
            bounded(program(.receiver) + ["receive"] + server),
            on: isSender ? .load : .measured
        )
        let send = ["send", "--bytes", "\(amount)", "--to", try receiver.address()]
        let sent: TLSCost = try figures(program(.sender) + send + client, on: isSender ? .measured : .load)
        let received: TLSCost = try decode(try receiver.finish())
        return isSender ? sent : received
    }
}

// MARK: - Messages

extension TLSSuite {
    private func measure(_ kind: TLSMessages.Kind, _ folder: TLSFolder) throws -> TLSCost {
        if kind == .memory {
            let requests = ["--requests", isQuick ? "50000" : "200000"]
            let options = folder.serverOptions(.ecdsa) + folder.clientOptions
            return try figures([programs.openssl, "memory"] + requests + options, on: .measured)
        }
        let isEncrypted = kind == .tls
        let server = try Child(
            [programs.tls, "echo"] + (isEncrypted ? folder.serverOptions(.ecdsa) : []),
            on: .measured
        )
        defer { server.stop() }
        let load = [
            programs.tls, "load", "--to", try server.address(), "--pid", "\(server.identifier)",
            "--connections", "64", "--size", "100", "--seconds", isQuick ? "0.5" : "1",
        ]
        return try figures(load + (isEncrypted ? folder.clientOptions : []), on: .load)
    }
}

// MARK: - Handshakes

extension TLSSuite {
    /// The number of clients at a time, enough to keep the server busy.
    private static let clients = 3

    private func measureHandshakes(_ folder: TLSFolder, into results: inout [TLSHandshakes]) throws {
        for key in TLSKey.allCases {
            for program in TLSHandshakes.Program.allCases {
                let (server, address) = try start(program, key, folder)
                defer { server.stop() }
                for index in results.indices where results[index].key == key && results[index].program == program {
                    results[index].perCPUSecond.append(
                        try handshakes(with: server, at: address, isResumed: results[index].isResumed)
                    )
                }
            }
        }
    }

    private func start(
        _ program: TLSHandshakes.Program,
        _ key: TLSKey,
        _ folder: TLSFolder
    ) throws -> (server: Child, address: String) {
        if program == .server {
            let port = try freePort()
            let command = ["env", "--chdir", folder.path, "openssl", "s_server", "-accept", "127.0.0.1:\(port)"]
            let options = ["-cert", folder.certificate(key), "-key", folder.key(key), "-WWW", "-quiet"]
            let server = try Child(command + options, on: .measured, isLoud: false)
            try waitForListener(on: port)
            return (server, "127.0.0.1:\(port)")
        }
        let command = [program == .green ? programs.tls : programs.openssl, "answer"]
        let server = try Child(command + folder.serverOptions(key), on: .measured)
        return (server, try server.address())
    }

    /// Handshakes per second of the server's processor time.
    private func handshakes(with server: Child, at address: String, isResumed: Bool) throws -> Double {
        let command = [
            "openssl", "s_time", "-connect", address, isResumed ? "-reuse" : "-new", "-time", "1",
            // One suite for all, because the servers prefer different ones.
            "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-www", "/\(TLSFolder.page)",
        ]
        let before = try server.processorTime()
        let clients = try (0..<Self.clients).map { _ in try Child(bounded(command), on: .load, isLoud: false) }
        let count = try clients.reduce(0) { try $0 + connections(in: try $1.finish(), isResumed: isResumed) }
        return count / (try server.processorTime() - before)
    }

    /// The count of `openssl s_time`. It prints a letter for each connection: r for a resumed one.
    private func connections(in text: String, isResumed: Bool) throws -> Double {
        // For example "1456 connections in 3 real seconds, 145 bytes read per connection".
        guard let line = text.split(separator: "\n").first(where: { $0.contains(" real seconds") }),
            let count = line.split(separator: " ").first.flatMap({ Double($0) }), count > 0
        else { throw BenchError("`openssl s_time` printed no figure") }
        let resumed = text.split(separator: "\n").filter { $0.allSatisfy { $0 == "r" } }.map(\.count).reduce(0, +)
        guard isResumed == (resumed > 0) else {
            throw BenchError("\(resumed) of \(count) sessions were resumed: not as `openssl s_time` was told")
        }
        return count
    }

    /// A port that was free a moment ago, because s_server does not print its port.
    private func freePort() throws -> Int {
        let listener = try Child([programs.openssl, "receive"], on: .load)
        defer { listener.stop() }
        let address = try listener.address()
        guard let port = address.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw BenchError("no port in \(address)")
        }
        return port
    }

    private func waitForListener(on port: Int) throws {
        let hex = String(port, radix: 16, uppercase: true)
        let local = "0100007F:" + String(repeating: "0", count: 4 - hex.count) + hex
        for _ in 0..<500 {
            let sockets = try String(contentsOf: URL(filePath: "/proc/net/tcp"), encoding: .utf8)
            // 0A is the state LISTEN.
            if sockets.contains("\(local) 00000000:0000 0A") { return }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw BenchError("`openssl s_server` does not listen on port \(port)")
    }
}

// MARK: - Responses, idle connections

extension TLSSuite {
    private func count(isApart: Bool, _ folder: TLSFolder) throws -> TLSResponses.Counts {
        struct Sends: Decodable { var responses, sends, systemCalls: Double }
        struct Records: Decodable { var responses, records: Double }
        let command = [programs.tls, "respond"] + (isApart ? ["--apart"] : [])
        let server = try Child(bounded(command + folder.serverOptions(.ecdsa)), on: .measured)
        let client = [programs.openssl, "count", "--to", try server.address()] + folder.clientOptions
        let came: Records = try figures(client, on: .load)
        let went: Sends = try decode(try server.finish())
        return TLSResponses.Counts(
            records: came.records / came.responses,
            sends: went.sends / went.responses,
            systemCalls: went.systemCalls / went.responses
        )
    }

    private func measureIdle(isEncrypted: Bool, _ folder: TLSFolder) throws -> TLSIdle.Memory {
        let options = isEncrypted ? folder.serverOptions(.ecdsa) : []
        let server = try Child([programs.tls, "idle"] + options, on: .measured)
        defer { server.stop() }
        let hold = [programs.tls, "hold", "--connections", "2000", "--to", try server.address()]
        return try figures(hold + (isEncrypted ? folder.clientOptions : []), on: .load)
    }
}

// MARK: - Certificates

/// A temporary folder with certificates and the file that s_server serves.
struct TLSFolder {
    /// A file of 100 bytes.
    static let page = "page.txt"

    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "green-bench-\(UUID().uuidString)")
        path = folder.path
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(repeating: 0, count: 100).write(to: folder.appending(path: Self.page))
        for key in TLSKey.allCases {
            let command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
            let name = ["-addext", "subjectAltName=IP:127.0.0.1"]
            let files = ["-out", certificate(key), "-keyout", self.key(key)]
            _ = try Child(bounded(command + name + key.options + files), on: .measured, isLoud: false).finish()
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    func certificate(_ key: TLSKey) -> String { "\(path)/\(key).crt" }
    func key(_ key: TLSKey) -> String { "\(path)/\(key).key" }

    func serverOptions(_ key: TLSKey) -> [String] { ["--certificate", certificate(key), "--key", self.key(key)] }
    var clientOptions: [String] { ["--authority", certificate(.ecdsa)] }
}

extension TLSKey {
    fileprivate var options: [String] {
        switch self {
        case .ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        case .rsa: ["-newkey", "rsa:2048"]
        }
    }
}
