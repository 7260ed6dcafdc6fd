#if TLS
import Green
import Testing

@Suite("The example programs over TLS")
struct TLSExampleTests {
    @Test
    func `green-echo serves with a certificate, and green-forward uses TLS on either side`() throws {
        try onHub { () throws in
            let own = ["--tls-cert", Fixture.path("localhost.pem"), "--tls-key", Fixture.path("localhost.key")]
            let secure = try Program("green-echo", ["--port", "0"] + own)
            let plain = try Program("green-echo", "--port", "0")
            let starts = try Program(
                "green-forward",
                ["--listen", "127.0.0.1:0", "--to", "\(secure.address())", "--tls-to", Fixture.path("authority.pem")]
            )
            let ends = try Program(
                "green-forward",
                ["--listen", "127.0.0.1:0", "--to", "\(plain.address())"] + own
            )
            let through = [
                try connect(to: starts.address(), timeout: .seconds(20)),
                try connect(to: "\(ends.address())", timeout: .seconds(20), tls: Fixture.client()),
            ]
            for socket in through {
                try socket.write("hello\n")
                #expect(try socket.readLine() == "hello")
            }
        }
    }
}
#endif
