#if TLS
internal import CGreen

extension TLS {
    /// How a client makes sure whom it talks to.
    public enum ServerVerification: Hashable, Sendable {
        /// The server has a certificate that is trusted, for the name that was asked for.
        case trusted
        /// Talks to anybody. Whoever is in between reads and changes everything; only pins, if there are any, hold.
        case insecureNone
    }

    /// What a client chooses.
    public struct ClientOptions: Sendable {
        /// What it has in common with a server.
        public var common = Options()

        public var verification = ServerVerification.trusted

        /// Whom to trust; nil is the system's store.
        public var authorities: PEM?

        /// Keys of which the server's certificate must have one, besides being trusted. Empty is any.
        public var pins: [Pin] = []

        /// Its own certificate, for servers that ask for one.
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

    /// A client that trusts the system's store. Every call returns the same one.
    ///
    /// - Throws: A ``TLSError`` with the problem `badSetup` when the store cannot be read.
    public static func client() throws -> TLS {
        try plainClient.get()
    }

    /// A client of your choice.
    ///
    /// ```swift
    /// let tls = try TLS.client {
    ///     $0.authorities = .file("authority.pem")
    ///     $0.common.applicationProtocols = ["h2", "http/1.1"]
    /// }
    /// ```
    ///
    /// - Parameter configure: Changes the options.
    /// - Throws: A ``TLSError`` with the problem `badSetup` that says what is wrong with a certificate or key.
    public static func client(_ configure: (inout ClientOptions) throws -> Void) throws -> TLS {
        var options = ClientOptions()
        try configure(&options)
        return try TLS(GREEN_TLS_CLIENT) { try options.fill($0) }
    }
}
#endif
