#if TLS
import Green
import Testing

@Suite("A TLS server on several hubs")
struct ServerTLSTests {
    @Test(arguments: Server.Distribution.allCases)
    func `encrypts the connections of all hubs`(_ distribution: Server.Distribution) throws {
        try withPool(2) { hubs throws in
            let server = try Server(
                on: "127.0.0.1:0",
                hubs: hubs,
                distribution: distribution,
                tls: Fixture.server(),
                handler: { client, _ in try echo(client) }
            )
            let client = try Fixture.client()
            let sockets = try (0..<8).map { _ in
                try connect(to: "\(server.address)", timeout: .seconds(60), tls: client, name: "localhost")
            }
            for (number, socket) in sockets.enumerated() {
                try socket.write("secret \(number)\n")
                #expect(try socket.readLine() == "secret \(number)")
                socket.close()
            }
            #expect(try server.stop() == 0)
        }
    }

    @Test
    func `is refused with the settings of a client`() throws {
        try withPool { hubs throws in
            let client = try Fixture.client()
            let error = failure { try Server(on: "127.0.0.1:0", hubs: hubs, tls: client, handler: { _, _ in }) }
            #expect(error?.code == .invalidArgument)
            #expect(
                failure { try serve(on: "127.0.0.1:0", hubs: hubs, tls: client) { _, _ in } }?.code == .invalidArgument
            )
        }
    }
}
#endif
