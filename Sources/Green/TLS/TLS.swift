#if TLS
internal import CGreen

/// What TLS connections share: certificates, whom to trust, how strictly.
///
/// ```swift
/// let socket = try connect(to: "example.org:443", tls: .client())
/// let listener = try listen(
///     on: "0.0.0.0:443",
///     tls: .server(certificateChain: .file("server.pem"), privateKey: .file("server.key"))
/// )
/// ```
///
/// Making one reads files and parses certificates, so make it once and use it for many connections. Any OS thread may
/// use it; one for each is faster. A client verifies whom it talks to, against the system's store, unless it says in
/// so many words that it does not.
@safe
public final class TLS: @unchecked Sendable {
    // The core counts its owners atomically and locks what may change.
    @safe let context: OpaquePointer

    init(_ role: green_tls_role, _ fill: (OptionsMemory) throws -> Void) throws {
        let memory = OptionsMemory(role)
        try fill(memory)
        var context: OpaquePointer?
        try check(unsafe memory.withOptions { unsafe green_tls_context_make(&context, $0) })
        self.context = unsafe context!
    }

    deinit {
        unsafe green_tls_context_release(context)
    }

    func reload(_ role: green_tls_role, _ fill: (OptionsMemory) throws -> Void) throws {
        let memory = OptionsMemory(role)
        try fill(memory)
        try check(unsafe memory.withOptions { unsafe green_tls_context_reload(context, $0) })
    }
}

extension TLS {
    /// A version of the protocol.
    public struct Version: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
        public let rawValue: UInt32

        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        public static let tls12 = Version(rawValue: GREEN_TLS_1_2.rawValue)
        public static let tls13 = Version(rawValue: GREEN_TLS_1_3.rawValue)

        public static func < (left: Version, right: Version) -> Bool {
            left.rawValue < right.rawValue
        }

        public var description: String {
            switch self {
            case .tls12: "TLS 1.2"
            case .tls13: "TLS 1.3"
            default: "TLS version \(rawValue)"
            }
        }
    }

    /// The key of session tickets: servers that share it resume each other's sessions.
    public struct TicketKey: Sendable {
        let bytes: [UInt8]

        /// How many bytes a key has.
        public static let size = Int(GREEN_TLS_TICKET_KEY_SIZE)

        /// A key of random bytes that somebody has made, or nil when they are not ``size`` bytes.
        public init?(_ bytes: some Sequence<UInt8>) {
            self.bytes = Array(bytes)
            guard self.bytes.count == Self.size else { return nil }
        }

        /// A new key, to be given to several servers of this process.
        public static func random() -> TicketKey {
            var generator = SystemRandomNumberGenerator()
            return TicketKey((0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) })!
        }
    }

    /// What clients and servers choose alike.
    public struct Options: Sendable {
        /// Application protocols, the preferred first, as "h2" and "http/1.1". When both sides name some, they must
        /// have one in common.
        public var applicationProtocols: [String] = []

        /// The oldest version to speak.
        public var minimumVersion = Version.tls12

        /// The newest version to speak; nil is the newest there is.
        public var maximumVersion: Version?

        /// How long a handshake may take; nil is for as long as it takes.
        public var handshakeTimeout: Duration? = .seconds(10)

        /// Whether later connections may resume earlier ones, which makes their handshakes cheaper.
        public var resumesSessions = true

        /// Appends the secrets of every connection to the file that the environment's `SSLKEYLOGFILE` names, for
        /// debuggers.
        public var logsKeys = false

        /// OpenSSL's lists of ciphers up to TLS 1.2, and of cipher suites of TLS 1.3. Nil is its choice, up to TLS 1.2
        /// only those with forward secrecy and without CBC.
        public var ciphers: String?
        public var cipherSuites: String?
    }
}
#endif
