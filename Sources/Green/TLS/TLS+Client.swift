#if TLS
internal import CGreen

extension TLS {
    /// How a client verifies a server.
    public enum ServerVerification: Hashable, Sendable {
        /// Requires a trusted certificate for the requested host name.
        case trusted
        /// Verifies nothing except pins. An attacker on the network can read and change all data.
        case insecureNone
    }

    /// The settings of a client.
    public struct ClientOptions: Sendable {
        /// The settings that clients and servers share.
        public var common = Options()

        public var verification = ServerVerification.trusted

        /// The trusted authorities (CA certificates); nil means the system's store.
        public var authorities: PEM?

        /// If not empty, the key of the server's certificate must match one of these pins. The certificate must also
        /// pass the verification.
        public var pins: [Pin] = []

        /// The client's certificate, for servers that ask for one.
        public var identity: Identity?

        public init() {}

        func fill(_ memory: OptionsMemory) throws {
            try memory.use(common)
            try memory.use(authorities: authorities)
            memory.use(pins: pins)
            try memory.use(identities: identity.map { [$0] } ?? [])
            unsafe memory.options.verification =
                verification == .insecureNone ? GREEN_TLS_VERIFY_NONE_INSECURE : GREEN_TLS_VERIFY_DEFAULT
        }
    }

    private static let plainClient = Result { try TLS(GREEN_TLS_CLIENT) { try ClientOptions().fill($0) } }

    /// A client that trusts the system's store. Each call returns the same object.
    ///
    /// - Throws: A ``TLSError`` with the problem `badSetup` if the store cannot be read.
    public static func client() throws -> TLS {
        try plainClient.get()
    }

    /// A client with the given settings.
    ///
    /// ```swift
    /// let tls = try TLS.client {
    ///     $0.authorities = .file("authority.pem")
    ///     $0.common.applicationProtocols = ["h2", "http/1.1"]
    /// }
    /// ```
    ///
    /// - Parameter configure: Changes the settings.
    /// - Throws: A ``TLSError`` with the problem `badSetup` if a certificate, key or option is invalid.
    public static func client(_ configure: (inout ClientOptions) throws -> Void) throws -> TLS {
        var options = ClientOptions()
        try configure(&options)
        return try TLS(GREEN_TLS_CLIENT) { try options.fill($0) }
    }
}
#endif
