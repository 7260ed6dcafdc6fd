#if TLS
internal import CGreen

/// A failure of TLS: which one, and why in OpenSSL's words.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Problem: Hashable, Sendable {
        /// The peer speaks something else, plain HTTP for one.
        case notTLS
        /// Its certificate has expired, or is not valid yet.
        case expired
        /// Nobody whom we trust has signed its certificate.
        case untrusted
        /// Its certificate is for other names.
        case wrongHost
        /// Its key is not one of those that are pinned.
        case wrongKey
        /// Its certificate fails otherwise; see ``TLSError/verifyResult``.
        case badCertificate
        /// It has sent no certificate where one is required.
        case noCertificate
        /// There is no application protocol in common.
        case wrongApplicationProtocol
        /// There is no version or cipher in common.
        case nothingInCommon
        /// The peer has refused us.
        case refused
        /// The stream ended without a goodbye: bytes may be missing.
        case truncated
        /// The peer has reset the connection in the handshake.
        case reset
        /// A record that cannot be decrypted, or makes no sense.
        case corrupt
        /// A certificate, key or option of our own is no good.
        case badSetup
    }

    public let problem: Problem

    /// OpenSSL's number for why a certificate was refused; 0 when that was not the problem.
    public let verifyResult: Int

    /// What was tried, on what, why it failed, and whose certificate it was.
    public let message: String

    public var description: String { message }
}

extension TLSError {
    /// The error of the call of this OS thread that has just failed; nil when TLS was not the reason.
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
