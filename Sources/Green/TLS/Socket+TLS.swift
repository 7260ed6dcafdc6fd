#if TLS
internal import CGreen

extension Socket {
    /// Turns a plain connection into a TLS one, handshake included (STARTTLS).
    ///
    /// Bytes that have come early and are unread are refused, since somebody in between may have put them there.
    /// When it fails, the connection is good for nothing but to be closed.
    ///
    /// - Parameters:
    ///   - tls: Whom to trust, or one's own certificates.
    ///   - name: For a client, whose certificate the server must have; nil for a server.
    /// - Throws: A ``TLSError`` that says what is wrong. A ``SystemError`` with the code `alreadyInProcess` when it
    ///   is a TLS connection, `resourceBusy` while somebody reads or writes. When the thread is killed, the error of
    ///   that kill.
    @available(*, noasync)
    public func startTLS(_ tls: TLS, name: String? = nil) throws {
        let name = try checked(name, "name")
        try check(unsafe green_tls_start(handle, tls.context, name))
    }

    /// Says goodbye, waits for the peer's, and leaves a plain connection.
    ///
    /// What the peer sends before its goodbye must have been read.
    ///
    /// - Throws: A ``TLSError`` with the problem `corrupt` when more has come, `truncated` when the peer has hung up.
    ///   A ``SystemError`` with the code `socketNotConnected` when it is no TLS connection.
    @available(*, noasync)
    public func stopTLS() throws {
        try check(unsafe green_tls_stop(handle))
    }

    /// Does the handshake, unless it is done: connections of a listener put it off until they read or write.
    ///
    /// - Throws: As ``startTLS(_:name:)``; a ``SystemError`` with the code `timedOut` when it took too long.
    @available(*, noasync)
    public func handshake() throws {
        try check(unsafe green_tls_handshake(handle))
    }

    /// What was agreed on in the handshake; nil when there was none, or not yet.
    public var tls: TLSInformation? {
        var info = unsafe green_tls_info()
        guard unsafe green_tls_describe(handle, &info) == 0 else { return nil }
        return unsafe TLSInformation(info)
    }

    /// The certificates that the peer has sent, its own first, as DER.
    ///
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` when it is no TLS connection.
    public var peerCertificates: [[UInt8]] {
        get throws {
            var info = unsafe green_tls_info()
            try check(unsafe green_tls_describe(handle, &info))
            return try unsafe (0..<info.certificates).map { index in
                var bytes: UnsafeMutableRawPointer?
                let size = try check(unsafe green_tls_peer_certificate(handle, index, &bytes))
                defer { unsafe bytes?.deallocate() }
                return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: size))
            }
        }
    }
}

/// What the two ends of a TLS connection have agreed on.
public struct TLSInformation: Hashable, Sendable {
    public let version: TLS.Version

    /// "TLS_AES_256_GCM_SHA384".
    public let cipher: String

    /// The application protocol; nil for none.
    public let applicationProtocol: String?

    /// The name that the client asked for; nil for none.
    public let serverName: String?

    /// Whether it went on from an earlier connection.
    public let isResumed: Bool

    init(_ info: green_tls_info) {
        version = unsafe TLS.Version(rawValue: info.version.rawValue)
        cipher = unsafe String(cString: info.cipher!)
        let names = unsafe (String(cString: info.protocol!), String(cString: info.host!))
        applicationProtocol = names.0.isEmpty ? nil : names.0
        serverName = names.1.isEmpty ? nil : names.1
        isResumed = unsafe info.resumed
    }
}
#endif
