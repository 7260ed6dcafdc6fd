#if TLS
import Glibc
import Green
import Testing

@Suite("Options of TLS")
struct TLSOptionsTests {
    /// What a client and a server agree on in two connections; the second may be to another server.
    private func meet(_ client: TLS, _ first: TLS, _ second: TLS? = nil) throws -> [TLSInformation] {
        var agreed: [TLSInformation] = []
        for server in [first, second ?? first] {
            try serving(server) { address, _ in
                let socket = try connect(to: "\(address)", timeout: .seconds(20), tls: client, name: "localhost")
                try socket.write("hello\n")
                // A client of TLS 1.3 gets its tickets only when it reads.
                #expect(try socket.readLine() == "hello")
                agreed.append(try #require(socket.tls))
            }
        }
        return agreed
    }

    @Test
    func `a ticket key that two servers share lets them resume each other's sessions`() throws {
        try onHub { () throws in
            let key = TLS.TicketKey.random()
            let one = try Fixture.server { $0.ticketKey = key }
            let other = try Fixture.server { $0.ticketKey = key }
            #expect(try meet(Fixture.client(), one, other).map(\.isResumed) == [false, true])
            #expect(try meet(Fixture.client(), one, Fixture.server()).map(\.isResumed) == [false, false])
            #expect(TLS.TicketKey([1, 2, 3]) == nil)
        }
    }

    @Test
    func `no session is resumed if either side disables it`() throws {
        try onHub { () throws in
            let client = try Fixture.client { $0.common.resumesSessions = false }
            #expect(try meet(client, Fixture.server()).map(\.isResumed) == [false, false])
            let server = try Fixture.server { $0.common.resumesSessions = false }
            #expect(try meet(Fixture.client(), server).map(\.isResumed) == [false, false])
        }
    }

    @Test
    func `versions and ciphers are the requested ones`() throws {
        try onHub { () throws in
            let old = try Fixture.client {
                $0.common.maximumVersion = .tls12
                $0.common.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"
            }
            for tls in try meet(old, Fixture.server()) {
                #expect(tls.version == .tls12)
                #expect(tls.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
            }
            let new = try Fixture.client { $0.common.cipherSuites = "TLS_AES_128_GCM_SHA256" }
            for tls in try meet(new, Fixture.server { $0.common.minimumVersion = .tls13 }) {
                #expect(tls.version == .tls13)
                #expect(tls.cipher == "TLS_AES_128_GCM_SHA256")
            }
            try serving(try Fixture.server { $0.common.minimumVersion = .tls13 }) { address, _ in
                #expect(problem { try connect(to: "\(address)", tls: old) }?.problem == .nothingInCommon)
            }
        }
    }

    @Test
    func `applications without a common protocol get an error`() throws {
        try onHub { () throws in
            let server = try Fixture.server { $0.common.applicationProtocols = ["h2"] }
            let client = try Fixture.client { $0.common.applicationProtocols = ["http/1.1"] }
            let errors = try serving(server) { address, _ in
                let error = problem { try connect(to: "\(address)", tls: client) }
                #expect(error?.problem == .wrongApplicationProtocol)
                #expect(error?.message.contains("no application protocol") == true)
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.wrongApplicationProtocol])
        }
    }

    @Test
    func `a client that resets the connection in the handshake is reported as such`() throws {
        try onHub { () throws in
            let errors = try serving(try Fixture.server()) { address, _ in
                let socket = try connect(to: address)
                try GreenThread.sleep(for: .milliseconds(5))
                try socket.reset()
            }
            #expect(errors.compactMap { ($0 as? TLSError)?.problem } == [.reset])
        }
    }
}
#endif
