import Green
import Testing

@Suite("A NUL in a text")
struct TextTests {
    /// The text is valid up to the NUL, where C would truncate it.
    private func cut(_ text: String) -> String { text + "\0junk" }

    /// Calls that throw, each with the name of the argument that contains a NUL.
    private var calls: [(argument: String, call: () throws -> Void)] {
        var calls: [(String, () throws -> Void)] = [
            ("host", { _ = try connect(to: cut("127.0.0.1:1")) }),
            ("host", { _ = try connect(toHost: cut("127.0.0.1"), port: 1) }),
            ("host", { _ = try listen(on: cut("127.0.0.1:0")) }),
            ("host", { _ = try listen(on: cut("unix:@green-test")) }),
            ("address", { _ = try SocketAddress(parsing: cut("127.0.0.1:1")) }),
            ("address", { _ = try SocketAddress(host: cut("127.0.0.1"), port: 1) }),
            ("address", { _ = try SocketAddress(unixPath: cut("/tmp/green-test")) }),
            ("address", { _ = try SocketAddress.resolve(cut("localhost:1")) }),
            ("host", { _ = try SocketAddress.resolve(host: cut("localhost"), port: 1) }),
            ("arguments", { _ = try run("true", arguments: [cut("a")]) }),
            ("environment", { _ = try run("true", environment: [cut("NAME"): "value"]) }),
            ("environment", { _ = try run("true", environment: ["NAME": cut("value")]) }),
            ("arguments", { _ = try GreenProcess("true", arguments: [cut("a")]) }),
            ("library", { _ = try importPatched(cut("libm.so.6")) }),
            ("also", { _ = try importPatched("libm.so.6", also: [cut("libm.so.6")]) }),
            ("engine", { try Hub.open(engine: cut("epoll")) }),
        ]
        calls += pathCalls
        calls += tlsCalls
        return calls
    }

    private var pathCalls: [(String, () throws -> Void)] {
        let path = cut("/tmp")
        return [
            ("path", { _ = try GreenFile.open(path, .readOnly) }),
            ("path", { try GreenFile.remove(path) }),
            ("path", { try GreenFile.rename(path, to: "/tmp/green-test") }),
            ("newPath", { try GreenFile.rename("/tmp/green-test", to: path) }),
            ("path", { _ = try GreenFile.status(of: path) }),
            ("path", { try GreenDirectory.create(path) }),
            ("path", { try GreenDirectory.remove(path) }),
            ("path", { _ = try GreenDirectory.contents(of: path) }),
            ("program", { _ = try run(path) }),
            ("workingDirectory", { _ = try run("true", workingDirectory: path) }),
        ]
    }

    private var tlsCalls: [(String, () throws -> Void)] {
        #if TLS
        return [
            ("host", { _ = try connect(to: cut("127.0.0.1:1"), tls: .client()) }),
            ("name", { _ = try connect(to: "127.0.0.1:1", tls: .client(), name: cut("name")) }),
            ("host", { _ = try connect(toHost: cut("127.0.0.1"), port: 1, tls: .client()) }),
            ("name", { _ = try connect(toHost: "127.0.0.1", port: 1, tls: .client(), name: cut("name")) }),
            ("name", { try Socket.pair().0.startTLS(.client(), name: cut("name")) }),
            ("host", { _ = try listen(on: cut("127.0.0.1:0"), tls: Fixture.server()) }),
            ("applicationProtocols", { _ = try TLS.client { $0.common.applicationProtocols = [cut("h2")] } }),
            ("ciphers", { _ = try TLS.client { $0.common.ciphers = cut("HIGH") } }),
            ("cipherSuites", { _ = try TLS.client { $0.common.cipherSuites = cut("TLS_AES_128_GCM_SHA256") } }),
            ("authorities", { _ = try TLS.client { $0.authorities = .file(cut(Fixture.path("authority.pem"))) } }),
            ("authorities", { _ = try TLS.client { $0.authorities = .text(cut("-----BEGIN CERTIFICATE-----")) } }),
            ("certificateChain", { _ = try server(cut(Fixture.path("localhost.pem")), Fixture.path("localhost.key")) }),
            ("privateKey", { _ = try server(Fixture.path("localhost.pem"), cut(Fixture.path("localhost.key"))) }),
        ]
        #else
        return []
        #endif
    }

    #if TLS
    private func server(_ certificate: String, _ key: String) throws -> TLS {
        try TLS.server(certificateChain: .file(certificate), privateKey: .file(key))
    }
    #endif

    @Test
    func `is an error that names the argument`() throws {
        try onHub { () throws in
            for (index, (argument, call)) in calls.enumerated() {
                let error = failure(of: call)
                #expect(error?.code == .invalidArgument, "call \(index), \(argument): \(error?.message ?? "none")")
                #expect(error?.message.hasPrefix("\(argument): ") == true, "call \(index): \(error?.message ?? "none")")
                #expect(error?.message.contains("a NUL") == true, "call \(index): \(error?.message ?? "none")")
            }
        }
    }

    @Test
    func `is not valid in an address or the name of an object`() {
        #expect(SocketAddress(cut("127.0.0.1:1")) == nil)
        #expect(!isPatched(cut("libc.so.6")))
    }

    @Test
    func `is shown in the name of a thread`() throws {
        try onHub { () throws in
            let thread = spawn(name: cut("name")) { 1 }
            #expect(thread.name == "name␀junk")
            #expect(try thread.wait() == 1)
            let pool = GreenPool(size: 1)
            let pooled = try pool.spawn(name: cut("pooled")) { 2 }
            #expect(pooled.name == "pooled␀junk")
            #expect(try pooled.wait() == 2)
            #expect(try OffloadPool(threads: 1, name: cut("native")).run { 3 } == 3)
        }
    }
}
