import Figure

/// A number of bytes or messages, and the processor time and the elapsed time that they took.
struct TLSCost: Codable {
    var count: Double
    var cpuNs: Double
    var wallNs: Double

    var cpuNsEach: Double { cpuNs / count }
    /// For a stream of bytes.
    var gigabytesPerCPUSecond: Double { count / cpuNs }
}

/// All figures of TLS, round by round.
struct TLSResults: Encodable {
    /// GB that `openssl speed` encrypts in a second of processor time, for each core.
    var speed: [[Double]] = [[], []]
    var bulk = TLSBulk.all
    var messages = TLSMessages.Kind.allCases.map { TLSMessages(kind: $0) }
    var handshakes = TLSHandshakes.all
    var responses = [false, true].map { TLSResponses(isApart: $0) }
    var idle = [true, false].map { TLSIdle(isEncrypted: $0) }
}

/// One side of 16 KiB writes in one direction.
struct TLSBulk: Encodable {
    enum Side: String, Encodable, CaseIterable {
        case sender, receiver
    }

    enum Program: String, Encodable {
        case green = "Green"
        case openssl = "OpenSSL"
        case readAhead = "OpenSSL, read-ahead"
    }

    var side: Side
    var program: Program
    var isEncrypted: Bool
    var rounds: [TLSCost] = []

    var name: String { "\(side): \(program.rawValue)\(isEncrypted ? "" : ", plain")" }
    var speeds: [Double] { rounds.map(\.gigabytesPerCPUSecond) }

    static let all = Side.allCases.flatMap { side in
        // Read-ahead only affects receivers.
        let encrypted: [Program] = side == .sender ? [.green, .openssl] : [.green, .openssl, .readAhead]
        return encrypted.map { TLSBulk(side: side, program: $0, isEncrypted: true) }
            + [.green, .openssl].map { TLSBulk(side: side, program: $0, isEncrypted: false) }
    }
}

extension TLSResults {
    /// One of the bulk results as a multiple of `openssl speed` on the same core in the same round.
    func ratioToSpeed(_ bulk: TLSBulk) -> Spread? {
        Spread(zip(bulk.speeds, speed[Core.measured.rawValue]).map { $0 / $1 })
    }

    /// The same relative to encrypting like `openssl speed` and then sending through Green's plain socket.
    func ratioToFloor(_ bulk: TLSBulk) -> Spread? {
        guard let plain = self.bulk.first(where: { $0.side == bulk.side && $0.program == .green && !$0.isEncrypted })
        else { return nil }
        let floor = zip(speed[Core.measured.rawValue], plain.speeds).map { 1 / (1 / $0 + 1 / $1) }
        return Spread(zip(bulk.speeds, floor).map { $0 / $1 })
    }

    /// The same relative to the OpenSSL program that took less CPU time.
    func ratioToPeer(_ bulk: TLSBulk) -> Spread? {
        let peers = self.bulk.filter {
            $0.side == bulk.side && $0.isEncrypted == bulk.isEncrypted && $0.program != .green
        }
        guard let peer = peers.max(by: { $0.speeds.median < $1.speeds.median }) else { return nil }
        return Spread(zip(bulk.speeds, peer.speeds).map { $0 / $1 })
    }
}

/// The server's side of 100 bytes each way.
struct TLSMessages: Encodable {
    enum Kind: String, Encodable, CaseIterable {
        case tls = "Green, TLS"
        case plain = "Green, plain"
        case memory = "OpenSSL alone, in memory"
    }

    var kind: Kind
    var rounds: [TLSCost] = []
}

/// The kinds of key in a server's certificate.
enum TLSKey: String, Encodable, CaseIterable {
    case ecdsa = "ECDSA P-256"
    case rsa = "RSA 2048"
}

/// Handshakes per second of a server's processor time.
struct TLSHandshakes: Encodable {
    enum Program: String, Encodable, CaseIterable {
        case green = "Green"
        case openssl = "OpenSSL"
        case server = "openssl s_server"
    }

    var program: Program
    var key: TLSKey
    var isResumed: Bool
    var perCPUSecond: [Double] = []

    var name: String { "\(key.rawValue), \(isResumed ? "resumed" : "full"): \(program.rawValue)" }

    static let all = TLSKey.allCases.flatMap { key in
        [false, true].flatMap { isResumed in
            Program.allCases.map { TLSHandshakes(program: $0, key: key, isResumed: isResumed) }
        }
    }
}

extension TLSResults {
    /// Handshakes as a multiple of those of s_server in the same round.
    func ratioToServer(_ handshakes: TLSHandshakes) -> Spread? {
        let server = self.handshakes.first {
            $0.program == .server && $0.key == handshakes.key && $0.isResumed == handshakes.isResumed
        }
        return server.flatMap { Spread(zip(handshakes.perCPUSecond, $0.perCPUSecond).map { $0 / $1 }) }
    }
}

/// The records and sends of a response of 100 bytes in three pieces.
struct TLSResponses: Encodable {
    struct Counts: Encodable {
        var records: Double
        var sends: Double
        var systemCalls: Double
    }

    /// Whether it is sent by three writes instead of one gathering write.
    var isApart: Bool
    var counts: Counts?
}

/// The server's memory for each idle connection.
struct TLSIdle: Encodable {
    struct Memory: Codable {
        var residentBytes: Double
        var stackBytes: Double
    }

    var isEncrypted: Bool
    var memory: Memory?
}
