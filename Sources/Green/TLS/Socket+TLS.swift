#if TLS
internal import CGreen

extension Socket {
    /// Starts TLS on a plain connection (STARTTLS) and performs the handshake.
    ///
    /// Unread bytes are an error, because an attacker may have injected them before the handshake. After a failure the
    /// connection can only be closed.
    ///
    /// - Parameters:
    ///   - tls: The TLS settings of the client or the server.
    ///   - name: For a client, the name that the server's certificate must match; nil for a server.
    /// - Throws: A ``TLSError`` if the handshake fails or there are unread bytes. A ``SystemError`` with the code
    ///   `alreadyInProcess` if this is a TLS connection already, or `resourceBusy` while another thread reads or
    ///   writes. If the thread is killed, the error of that kill.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func startTLS(_ tls: TLS, name: String? = nil) throws {
        let name = try checked(name, "name")
        try check(unsafe green_tls_start(handle, tls.context, name))
    }

    /// Sends close_notify, waits for that of the peer, and makes the connection plain again.
    ///
    /// All data that the peer has sent before its close_notify must have been read.
    ///
    /// - Throws: A ``TLSError`` with the problem `corrupt` if unread data remains, or `truncated` if the peer closes
    ///   the connection. A ``SystemError`` with the code `socketNotConnected` if this is not a TLS connection.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func stopTLS() throws {
        try check(unsafe green_tls_stop(handle))
    }

    /// Performs the handshake if it is not done.
    ///
    /// Without this call, a connection of a listener performs it in its first read or write.
    ///
    /// - Throws: The errors of ``startTLS(_:name:)``, and a ``SystemError`` with the code `timedOut` after
    ///   ``TLS/Options/handshakeTimeout``.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    public func handshake() throws {
        try check(unsafe green_tls_handshake(handle))
    }

    /// The result of the handshake, or nil if it is not done or this is not a TLS connection.
    public var tls: TLSInformation? {
        var info = unsafe green_tls_info()
        guard unsafe green_tls_describe(handle, &info) == 0 else { return nil }
        return unsafe TLSInformation(info)
    }

    /// The certificates that the peer has sent, its own first, as DER.
    ///
    /// - Throws: A ``SystemError`` with the code `socketNotConnected` if this is not a TLS connection or its handshake
    ///   is not done.
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

/// The result of a TLS handshake.
public struct TLSInformation: Hashable, Sendable {
    public let version: TLS.Version

    /// "TLS_AES_256_GCM_SHA384".
    public let cipher: String

    /// The application protocol selected by ALPN, or nil if there is none.
    public let applicationProtocol: String?

    /// The host name that the client requested (SNI), or nil if there is none.
    public let serverName: String?

    /// Whether the handshake resumed the session of an earlier connection.
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
