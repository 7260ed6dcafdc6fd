#if TLS
internal import CGreen

/// The settings that TLS connections share: certificates, trusted authorities, verification.
///
/// ```swift
/// let socket = try connect(to: "example.org:443", tls: .client())
/// let listener = try listen(
///     on: "0.0.0.0:443",
///     tls: .server(certificateChain: .file("server.pem"), privateKey: .file("server.key"))
/// )
/// ```
///
/// Creating one reads files and parses certificates, so create it once and use it for many connections. All OS threads
/// may use it; one for each OS thread is faster. A client verifies the certificate and the host name of the server,
/// unless its options say ``ServerVerification/insecureNone``.
@safe
public final class TLS: @unchecked Sendable {
    // The core counts references atomically, and locks what may change.
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

        /// The size of a key in bytes.
        public static let size = Int(GREEN_TLS_TICKET_KEY_SIZE)

        /// Creates a key from random bytes, or returns nil if they are not ``size`` bytes.
        public init?(_ bytes: some Sequence<UInt8>) {
            self.bytes = Array(bytes)
            guard self.bytes.count == Self.size else { return nil }
        }

        /// A new random key, for several servers of this process.
        public static func random() -> TicketKey {
            var generator = SystemRandomNumberGenerator()
            return TicketKey((0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) })!
        }
    }

    /// The settings that clients and servers share.
    public struct Options: Sendable {
        /// Application protocols (ALPN) in order of preference, for example "h2" and "http/1.1". If both peers name
        /// some, they must have one in common.
        public var applicationProtocols: [String] = []

        /// The oldest version to accept.
        public var minimumVersion = Version.tls12

        /// The newest version to accept; nil means the newest that OpenSSL supports.
        public var maximumVersion: Version?

        /// The timeout of a handshake; nil means no limit.
        public var handshakeTimeout: Duration? = .seconds(10)

        /// Whether later connections may resume the sessions of earlier ones, which makes their handshakes cheaper.
        public var resumesSessions = true

        /// Whether to append the secrets of each connection to the file named by the environment variable
        /// `SSLKEYLOGFILE`, for debugging. The variable alone has no effect.
        public var logsKeys = false

        /// An OpenSSL list of ciphers for TLS 1.2. Nil means those of OpenSSL's default with forward secrecy and
        /// without CBC.
        public var ciphers: String?

        /// An OpenSSL list of cipher suites for TLS 1.3; nil means OpenSSL's default.
        public var cipherSuites: String?
    }
}
#endif
