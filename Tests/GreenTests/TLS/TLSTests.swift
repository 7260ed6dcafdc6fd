#if TLS
import Green
import Testing

@Suite("TLS connections")
struct TLSTests {
    @Test
    func `read and write like plain ones, and report what was negotiated`() throws {
        try onHub { () throws in
            let server = try Fixture.server { $0.common.applicationProtocols = ["echo", "other"] }
            let client = try Fixture.client { $0.common.applicationProtocols = ["more", "echo"] }
            let errors = try serving(server) { address, _ in
                for isSecond in [false, true] {
                    let socket = try connect(to: "\(address)", timeout: .seconds(20), tls: client, name: "localhost")
                    try socket.write("hello\n")
                    #expect(try socket.readLine() == "hello")
                    let tls = try #require(socket.tls)
                    #expect(tls.version == .tls13)
                    #expect(tls.cipher.hasPrefix("TLS_"))
                    #expect(tls.applicationProtocol == "echo")
                    #expect(tls.serverName == "localhost")
                    #expect(tls.isResumed == isSecond)
                    #expect(try socket.peerCertificates.count == 1)
                    try socket.shutdown(.writing)
                    #expect(try socket.readLine() == nil)
                }
            }
            #expect(errors.isEmpty)
        }
    }

    @Test
    func `verify the name of the address that they connect to`() throws {
        try onHub { () throws in
            try serving(try Fixture.server()) { address, _ in
                let socket = try connect(to: "\(address)", tls: Fixture.client())
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
                #expect(socket.tls?.serverName == nil, "an address is not a name")
            }
        }
    }

    @Test
    func `carry large transfers in both directions at once`() throws {
        try onHub { () throws in
            let bytes = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let copy: (Socket) throws -> Void = { socket in
                while case let part = try socket.read(upTo: 100_000), !part.isEmpty {
                    try socket.write(part)
                }
            }
            try serving(try Fixture.server(), copy) { address, _ in
                let socket = try connect(to: "\(address)", tls: Fixture.client())
                let writer = spawn {
                    try socket.write(bytes)
                    try socket.shutdown(.writing)
                }
                var back: [UInt8] = []
                while case let part = try socket.read(upTo: 65536), !part.isEmpty {
                    back += part
                }
                try writer.wait()
                #expect(back == bytes)
            }
        }
    }

    @Test
    func `can start and end on a plain connection`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            let other = spawn {
                try far.startTLS(Fixture.server())
                try far.write("secret\n")
                try far.stopTLS()
                try far.write("plain\n")
            }
            #expect(near.tls == nil)
            try near.startTLS(Fixture.client(), name: "localhost")
            #expect(near.tls?.version == .tls13)
            #expect(failure { try near.startTLS(Fixture.client(), name: "localhost") }?.code == .alreadyInProcess)
            #expect(try near.readLine() == "secret")
            try near.stopTLS()
            #expect(near.tls == nil)
            #expect(try near.readLine() == "plain")
            try other.wait()
        }
    }

    @Test
    func `are served with the certificate for the requested name, and with a new one after a reload`() throws {
        try onHub { () throws in
            let localhost = TLS.Identity(
                certificateChain: Fixture.file("localhost.pem"),
                privateKey: Fixture.file("localhost.key")
            )
            let other = TLS.Identity(
                certificateChain: Fixture.file("other.pem"),
                privateKey: Fixture.file("other.key")
            )
            let server = try TLS.server(TLS.ServerOptions(identities: [localhost, other]))
            try serving(server) { address, _ in
                for name in ["localhost", "other.example"] {
                    _ = try connect(to: "\(address)", tls: Fixture.client(), name: name)
                }
                try server.reload(TLS.ServerOptions(identities: [other]))
                _ = try connect(to: "\(address)", tls: Fixture.client(), name: "other.example")
                let error = problem { try connect(to: "\(address)", tls: Fixture.client(), name: "localhost") }
                #expect(error?.problem == .wrongHost)
            }
        }
    }
}

@Suite("TLS refuses")
struct TLSRefusalTests {
    @Test
    func `a certificate that is not signed by a trusted issuer, and one for another name`() throws {
        try onHub { () throws in
            let errors = try serving(try Fixture.server()) { address, _ in
                let untrusted = problem { try connect(to: "\(address)", tls: .client(), name: "localhost") }
                #expect(untrusted?.problem == .untrusted)
                #expect(untrusted?.verifyResult != 0)
                #expect(untrusted?.message.contains("certificate of localhost, 127.0.0.1") == true)
                let wrong = problem { try connect(to: "\(address)", tls: Fixture.client(), name: "mine.example") }
                #expect(wrong?.problem == .wrongHost)
                #expect(wrong?.message.contains("expected mine.example") == true)
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.refused, .refused])
        }
    }

    @Test
    func `a certificate that has expired, with an error on both sides`() throws {
        try onHub { () throws in
            let server = try TLS.server(
                certificateChain: Fixture.file("expired.pem"),
                privateKey: Fixture.file("expired.key")
            )
            let errors = try serving(server) { address, _ in
                let expired = problem { try connect(to: "\(address)", tls: Fixture.client(), name: "localhost") }
                #expect(expired?.problem == .expired)
                #expect(expired?.verifyResult == 10, "X509_V_ERR_CERT_HAS_EXPIRED")
                let words = "the certificate of localhost, 127.0.0.1 was rejected: certificate has expired"
                #expect(expired?.message.contains(words) == true)
                let unverified = try TLS.client { $0.verification = .insecureNone }
                let socket = try connect(to: "\(address)", tls: unverified, name: "localhost")
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.refused])
            #expect("\(errors)".contains("expired"))
        }
    }

    @Test
    func `a key that is not pinned, even if nothing else is verified`() throws {
        try onHub { () throws in
            let right = try #require(TLS.Pin(hexadecimal: String(Fixture.text("localhost.pin").prefix(64))))
            let wrong = try #require(TLS.Pin(Array(repeating: 1, count: 32)))
            #expect(TLS.Pin(hexadecimal: "12") == nil)
            try serving(try Fixture.server()) { address, _ in
                for verification in [TLS.ServerVerification.trusted, .insecureNone] {
                    let good = try Fixture.client {
                        $0.verification = verification
                        $0.pins = [wrong, right]
                    }
                    _ = try connect(to: "\(address)", tls: good)
                    let bad = try Fixture.client {
                        $0.verification = verification
                        $0.pins = [wrong]
                    }
                    #expect(problem { try connect(to: "\(address)", tls: bad) }?.problem == .wrongKey)
                }
            }
        }
    }

    @Test
    func `nothing if verification is switched off explicitly`() throws {
        try onHub { () throws in
            try serving(try Fixture.server()) { address, _ in
                let unverified = try TLS.client { $0.verification = .insecureNone }
                let socket = try connect(to: "\(address)", tls: unverified, name: "mine.example")
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
            }
        }
    }

    @Test
    func `clients without a certificate where one is required`() throws {
        try onHub { () throws in
            let server = try Fixture.server {
                $0.clientVerification = .required
                $0.authorities = Fixture.file("authority.pem")
            }
            let errors = try serving(server) { address, _ in
                let known = try Fixture.client {
                    $0.identity = TLS.Identity(
                        certificateChain: Fixture.file("other.pem"),
                        privateKey: Fixture.file("other.key")
                    )
                }
                let socket = try connect(to: "\(address)", tls: known)
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
                let stranger = problem {
                    let socket = try connect(to: "\(address)", tls: Fixture.client())
                    return try socket.readLine()
                }
                #expect(stranger?.problem == .refused)
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.noCertificate])
        }
    }

    @Test
    func `plain HTTP and truncated streams`() throws {
        try onHub { () throws in
            let errors = try serving(try Fixture.server()) { address, _ in
                let plain = try connect(to: address)
                try plain.write("GET / HTTP/1.1\r\n\r\n")
                _ = try? plain.read(upTo: 100)
                let socket = try connect(to: "\(address)", tls: Fixture.client())
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
                try cut(socket)
                _ = try? socket.readLine()
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.notTLS, .truncated])
        }
    }

    @Test
    func `invalid certificates, keys and passphrases, and names them`() throws {
        try onHub { () throws in
            let certificate = Fixture.file("localhost.pem")
            let missing = problem {
                try TLS.server(certificateChain: PEM.file("/none.pem"), privateKey: certificate)
            }
            #expect(missing?.problem == .badSetup)
            #expect(missing?.message.contains("the certificate in /none.pem cannot be read") == true)
            let garbage = problem { try TLS.server(certificateChain: PEM.text("x"), privateKey: certificate) }
            #expect(garbage?.message.contains("the certificate in memory is invalid") == true)
            let other = problem {
                try TLS.server(certificateChain: certificate, privateKey: Fixture.file("other.key"))
            }
            #expect(other?.message.contains("does not match the certificate") == true)
            #expect(encrypted { "sesame" } == nil)
            #expect(encrypted { "wrong" }?.message.contains("passphrase") == true)
            #expect(encrypted(nil)?.message.contains("passphrase") == true)
        }
    }

    /// Returns the error of a server whose key needs a passphrase.
    private func encrypted(_ passphrase: (@Sendable () -> String?)?) -> TLSError? {
        problem {
            let identity = TLS.Identity(
                certificateChain: Fixture.file("localhost.pem"),
                privateKey: Fixture.file("localhost-encrypted.key"),
                passphrase: passphrase
            )
            return try TLS.server(TLS.ServerOptions(identities: [identity]))
        }
    }
}

@Suite("A TLS handshake")
struct TLSHandshakeTests {
    @Test
    func `that a client does not finish delays only its own handler, up to a limit`() throws {
        try onHub { () throws in
            let server = try Fixture.server { $0.common.handshakeTimeout = .milliseconds(20) }
            let errors = try serving(server) { address, _ in
                let silent = try connect(to: address)
                let socket = try connect(to: "\(address)", tls: Fixture.client())
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
                #expect(try silent.read(upTo: 10).isEmpty)
            }
            #expect(errors.count == 1)
            #expect((errors.first as? SystemError)?.code == .timedOut)
            #expect("\(errors)".contains("TLS handshake"))
        }
    }

    @Test
    func `is interrupted by an outer timeout, the timeout of the call, or a kill`() throws {
        try onHub { () throws in
            let mute: (Socket) throws -> Void = { client in
                while try !client.read(upTo: 4096).isEmpty {}
            }
            try serving(nil, mute) { address, _ in
                let tls = try Fixture.client()
                #expect(throws: Timeout.self) {
                    try withTimeout(.milliseconds(5)) { try connect(to: "\(address)", tls: tls) }
                }
                let late = #expect(throws: SystemError.self) {
                    try connect(to: "\(address)", timeout: .milliseconds(5), tls: tls)
                }
                #expect(late?.code == .timedOut)
                let thread = spawn { try connect(to: "\(address)", tls: tls) }
                try GreenThread.sleep(for: .milliseconds(5))
                try thread.kill()
                #expect(throws: GreenExit.self) { try thread.wait() }
            }
        }
    }
}
#endif
