#if TLS
internal import CGreen

/// An error of TLS, with OpenSSL's reason.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error.
    public enum Problem: Hashable, Sendable {
        /// The peer does not speak TLS, but for example plain HTTP.
        case notTLS
        /// The peer's certificate has expired or is not valid yet.
        case expired
        /// The peer's certificate is not signed by a trusted issuer.
        case untrusted
        /// The peer's certificate is for other host names.
        case wrongHost
        /// The peer's key does not match a pin.
        case wrongKey
        /// Another verification error: see ``TLSError/verifyResult``.
        case badCertificate
        /// The peer sent no certificate, but one is required.
        case noCertificate
        /// There is no application protocol in common.
        case wrongApplicationProtocol
        /// There is no version or cipher in common.
        case nothingInCommon
        /// The peer sent a fatal alert.
        case refused
        /// The stream ended without close_notify: data may be missing.
        case truncated
        /// The peer reset the connection during the handshake.
        case reset
        /// A record cannot be decrypted or is malformed, or unread data remains when TLS is stopped.
        case corrupt
        /// A local certificate, key or option is invalid.
        case badSetup
    }

    public let problem: Problem

    /// OpenSSL's X509_V_ERR_ number if a certificate was rejected, else 0.
    public let verifyResult: Int

    /// The operation, the socket, the reason, and the names in the certificate.
    public let message: String

    public var description: String { message }
}

extension TLSError {
    /// The TLS error of the call that has just failed, or nil if TLS was not the reason.
    static func last(_ message: String) -> TLSError? {
        guard let problem = Problem(green_tls_last_problem()) else { return nil }
        return TLSError(problem: problem, verifyResult: green_tls_last_verify(), message: message)
    }
}

extension TLSError.Problem {
    fileprivate init?(_ problem: green_tls_problem) {
        switch problem {
        case GREEN_TLS_NOT_TLS: self = .notTLS
        case GREEN_TLS_EXPIRED: self = .expired
        case GREEN_TLS_UNTRUSTED: self = .untrusted
        case GREEN_TLS_WRONG_HOST: self = .wrongHost
        case GREEN_TLS_WRONG_KEY: self = .wrongKey
        case GREEN_TLS_BAD_CERTIFICATE: self = .badCertificate
        case GREEN_TLS_NO_CERTIFICATE: self = .noCertificate
        case GREEN_TLS_WRONG_ALPN: self = .wrongApplicationProtocol
        case GREEN_TLS_NO_COMMON: self = .nothingInCommon
        case GREEN_TLS_REFUSED: self = .refused
        case GREEN_TLS_TRUNCATED: self = .truncated
        case GREEN_TLS_RESET: self = .reset
        case GREEN_TLS_CORRUPT: self = .corrupt
        case GREEN_TLS_BAD_SETUP: self = .badSetup
        default: return nil
        }
    }
}
#endif
