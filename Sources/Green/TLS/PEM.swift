#if TLS
/// Certificates or a private key in PEM format, in a file or in memory.
public struct PEM: Hashable, Sendable {
    enum Source: Hashable {
        case file(String)
        case memory([UInt8])
    }

    let source: Source

    /// A file, which is read when the ``TLS`` is created.
    public static func file(_ path: String) -> PEM {
        PEM(source: .file(path))
    }

    /// Bytes in memory.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> PEM {
        PEM(source: .memory(Array(bytes)))
    }

    /// Text that contains "-----BEGIN CERTIFICATE-----" or another block.
    public static func text(_ text: String) -> PEM {
        bytes(text.utf8)
    }
}

extension TLS {
    /// A certificate with its chain, and its private key.
    public struct Identity: Sendable {
        /// The certificate, then the intermediate certificates up to, but without, the root.
        public var certificateChain: PEM
        public var privateKey: PEM

        /// Returns the passphrase of an encrypted key, or nil to cancel. Nil means that the key is not encrypted.
        public var passphrase: (@Sendable () -> String?)?

        public init(certificateChain: PEM, privateKey: PEM, passphrase: (@Sendable () -> String?)? = nil) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
            self.passphrase = passphrase
        }
    }

    /// The SHA-256 digest of a certificate's public key, which identifies the peer.
    ///
    /// This command prints it:
    /// `openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | sha256sum`
    public struct Pin: Hashable, Sendable {
        let bytes: [UInt8]

        /// Creates a pin from the digest, or returns nil if it is not 32 bytes.
        public init?(_ bytes: some Sequence<UInt8>) {
            self.bytes = Array(bytes)
            guard self.bytes.count == 32 else { return nil }
        }

        /// Creates a pin from the digest in hexadecimal, or returns nil if it is not 64 digits.
        public init?(hexadecimal text: String) {
            let digits = text.compactMap(\.hexDigitValue)
            guard digits.count == 64, text.count == 64 else { return nil }
            bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
        }
    }
}
#endif
