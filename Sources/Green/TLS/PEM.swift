#if TLS
/// Certificates or a key in the text format that everybody uses, in a file or in memory.
public struct PEM: Hashable, Sendable {
    enum Source: Hashable {
        case file(String)
        case memory([UInt8])
    }

    let source: Source

    /// A file, which is read when the ``TLS`` is made.
    public static func file(_ path: String) -> PEM {
        PEM(source: .file(path))
    }

    /// Bytes in memory.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> PEM {
        PEM(source: .memory(Array(bytes)))
    }

    /// Text, "-----BEGIN CERTIFICATE-----" and so on.
    public static func text(_ text: String) -> PEM {
        bytes(text.utf8)
    }
}

extension TLS {
    /// A certificate, with the chain up to but without its root, and its private key.
    public struct Identity: Sendable {
        /// The certificate itself comes first.
        public var certificateChain: PEM
        public var privateKey: PEM

        /// Asked for the passphrase of an encrypted key; nil, or returning it, gives up.
        public var passphrase: (@Sendable () -> String?)?

        public init(certificateChain: PEM, privateKey: PEM, passphrase: (@Sendable () -> String?)? = nil) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
            self.passphrase = passphrase
        }
    }

    /// SHA-256 of a certificate's public key, which says exactly whom one talks to.
    ///
    /// `openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | sha256sum` prints it.
    public struct Pin: Hashable, Sendable {
        let bytes: [UInt8]

        /// The digest itself, or nil when it is not 32 bytes.
        public init?(_ bytes: some Sequence<UInt8>) {
            self.bytes = Array(bytes)
            guard self.bytes.count == 32 else { return nil }
        }

        /// The digest in hexadecimal, or nil when it is not 64 digits.
        public init?(hexadecimal text: String) {
            let digits = text.compactMap(\.hexDigitValue)
            guard digits.count == 64, text.count == 64 else { return nil }
            bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
        }
    }
}
#endif
