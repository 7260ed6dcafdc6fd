#if TLS
internal import CGreen

extension TLS {
    /// Whether a server asks its clients for certificates.
    public enum ClientVerification: Hashable, Sendable {
        /// It does not.
        case none
        /// One that is sent has to be trusted.
        case optional
        /// One has to be sent, and trusted.
        case required
    }

    /// What a server chooses.
    public struct ServerOptions: Sendable {
        /// What it has in common with a client.
        public var common = Options()

        /// Its certificates and keys, at least one.
        ///
        /// The server presents the first certificate that matches the name requested by the client, or the first in the
        /// list if none matches. If several certificates match and have keys of different types (ECDSA and RSA), it
        /// presents one that the client can verify, and prefers ECDSA.
        public var identities: [Identity]

        public var clientVerification = ClientVerification.none

        /// Whom to trust among clients; nil is the system's store.
        public var authorities: PEM?

        /// The key of its session tickets; nil is a random one.
        public var ticketKey: TicketKey?

        /// The options of a server with these certificates.
        public init(identities: [Identity]) {
            self.identities = identities
        }

        func fill(_ memory: OptionsMemory) throws {
            try memory.use(common)
            try memory.use(authorities: authorities)
            try memory.use(identities: identities)
            memory.use(ticketKey: ticketKey)
            unsafe memory.options.verification =
                switch clientVerification {
                case .none: GREEN_TLS_VERIFY_DEFAULT
                case .optional: GREEN_TLS_VERIFY_OPTIONAL
                case .required: GREEN_TLS_VERIFY_REQUIRED
                }
        }
    }

    /// A server with one certificate.
    ///
    /// - Parameters:
    ///   - certificateChain: Its certificate, then those that lead to a root.
    ///   - privateKey: The key of the first.
    ///   - configure: Changes the other options.
    /// - Throws: A ``TLSError`` with the problem `badSetup` that says what is wrong with a certificate or key.
    public static func server(
        certificateChain: PEM,
        privateKey: PEM,
        _ configure: (inout ServerOptions) throws -> Void = { _ in }
    ) throws -> TLS {
        var options = ServerOptions(
            identities: [Identity(certificateChain: certificateChain, privateKey: privateKey)]
        )
        try configure(&options)
        return try server(options)
    }

    /// A server with any number of certificates, including several for one name with keys of different types.
    ///
    /// - Throws: As ``server(certificateChain:privateKey:_:)``.
    public static func server(_ options: ServerOptions) throws -> TLS {
        try TLS(GREEN_TLS_SERVER) { try options.fill($0) }
    }

    /// Takes other options from here on, a renewed certificate for one. Connections there are keep what they have.
    ///
    /// - Throws: As ``server(certificateChain:privateKey:_:)``, and then nothing has changed. A ``SystemError`` with
    ///   the code `invalidArgument` when this is a client.
    public func reload(_ options: ServerOptions) throws {
        try reload(GREEN_TLS_SERVER) { try options.fill($0) }
    }
}
#endif
