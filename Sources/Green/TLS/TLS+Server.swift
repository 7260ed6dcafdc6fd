#if TLS
internal import CGreen

extension TLS {
    /// Whether a server asks its clients for certificates.
    public enum ClientVerification: Hashable, Sendable {
        /// The server asks for none.
        case none
        /// The client may send a certificate, which must be trusted.
        case optional
        /// The client must send a trusted certificate.
        case required
    }

    /// The settings of a server.
    public struct ServerOptions: Sendable {
        /// The settings that clients and servers share.
        public var common = Options()

        /// The server's certificates and keys, at least one.
        ///
        /// The server presents the first certificate that matches the name requested by the client, or the first in the
        /// list if none matches. If several certificates match and have keys of different types (ECDSA and RSA), it
        /// presents one that the client can verify, and prefers ECDSA.
        public var identities: [Identity]

        public var clientVerification = ClientVerification.none

        /// The trusted authorities for clients' certificates; nil means the system's store.
        public var authorities: PEM?

        /// The key of the server's session tickets; nil means a random key.
        public var ticketKey: TicketKey?

        /// Creates the settings of a server with these certificates.
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
    ///   - certificateChain: The server's certificate, then the intermediate certificates up to, but without, the root.
    ///   - privateKey: The key of the server's certificate.
    ///   - configure: Changes the other settings.
    /// - Throws: A ``TLSError`` with the problem `badSetup` if a certificate, key or option is invalid.
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
    /// - Throws: The same errors as ``server(certificateChain:privateKey:_:)``.
    public static func server(_ options: ServerOptions) throws -> TLS {
        try TLS(GREEN_TLS_SERVER) { try options.fill($0) }
    }

    /// Replaces the settings, for example to renew a certificate. New connections use the new settings; existing
    /// connections keep theirs.
    ///
    /// - Throws: The same errors as ``server(certificateChain:privateKey:_:)``; nothing changes then. A ``SystemError``
    ///   with the code `invalidArgument` if this is a client.
    public func reload(_ options: ServerOptions) throws {
        try reload(GREEN_TLS_SERVER) { try options.fill($0) }
    }
}
#endif
