import Glibc
import Green
import Testing

@Suite("green-echo")
struct EchoTests {
    /// The program has stopped listening, which it does at a signal.
    private func waitUntilRefused(_ address: SocketAddress) throws {
        for _ in 0..<30_000 {
            if failure(of: { try connect(to: address) })?.code == .connectionRefused { return }
            try GreenThread.sleep(for: .milliseconds(2))
        }
        Issue.record("\(address) still listens")
    }

    @Test
    func `echoes, and drains on a signal`() throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0")
            let address = try program.address()
            let socket = try connect(to: address)
            try socket.write("one\n")
            #expect(try socket.readLine() == "one")
            program.signal(SIGTERM)
            try waitUntilRefused(address)
            try socket.write("two\n")
            #expect(try socket.readLine() == "two")
            socket.close()
            #expect(try program.rest().allSatisfy { $0.contains("waiting for the clients") })
            #expect(try program.exitCode() == 0)
        }
    }

    @Test
    func `ends at once on a second signal`() throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0")
            let address = try program.address()
            let socket = try connect(to: address)
            try socket.write("one\n")
            #expect(try socket.readLine() == "one")
            program.signal(SIGINT)
            try waitUntilRefused(address)
            program.signal(SIGTERM)
            #expect(try program.exitCode() == 1)
            #expect(try socket.readLine() == nil)
        }
    }

    @Test
    func `explains itself`() throws {
        try onHub { () throws in
            let help = try Program("green-echo", "--help")
            #expect(try help.rest().first?.hasPrefix("usage: green-echo") == true)
            #expect(try help.exitCode() == 0)
            let typo = try Program("green-echo", "--prot", "6000")
            let lines = try typo.rest()
            #expect(lines.contains("green-echo: there is no option '--prot'"))
            #expect(lines.contains { $0.hasPrefix("usage: ") })
            #expect(try typo.exitCode() == 2)
            let bare = try Program("green-echo", "--port")
            #expect(try bare.rest().contains("green-echo: --port needs a value"))
            #expect(try bare.exitCode() == 2)
        }
    }

    @Test
    func `says in one line that its port is taken`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let program = try Program("green-echo", "--port", "\(address.port ?? 0)")
            let lines = try program.rest()
            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix("green-echo: listening on \(address)") == true, "\(lines)")
            #expect(lines.first?.contains("Address already in use") == true, "\(lines)")
            #expect(try program.exitCode() == 1)
        }
    }
}
