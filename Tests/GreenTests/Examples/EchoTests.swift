import Glibc
import Green
import Testing

@Suite("green-echo")
struct EchoTests {
    /// Waits until the program has stopped listening, as it does on a signal.
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
    func `exits at once on a second signal`() throws {
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

    @Test(arguments: [SIGINT, SIGTERM])
    func `serves on several hubs, and drains all of them on a signal`(number: Int32) throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0", "--hubs", "2")
            let address = try program.address()
            let clients = try (0..<8).map { number in
                let client = try connect(to: address)
                try client.write("\(number)\n")
                #expect(try client.readLine() == "\(number)")
                return client
            }
            program.signal(number)
            try waitUntilRefused(address)
            for client in clients {
                try client.write("two\n")
                #expect(try client.readLine() == "two")
                client.close()
            }
            #expect(try program.rest().allSatisfy { $0.contains("waiting for the clients") })
            #expect(try program.exitCode() == 0)
        }
    }

    @Test
    func `divides the clients among its hubs`() throws {
        try onHub { () throws in
            // A hub takes four. If one got more, it would drop the client that was silent for longest.
            let program = try Program("green-echo", "--port", "0", "--hubs", "2", "--concurrency", "8")
            let address = try program.address()
            let clients = try (0..<8).map { _ in try connect(to: address) }
            for _ in 0..<2 {
                for client in clients {
                    try client.write("one\n")
                    #expect(try client.readLine() == "one")
                }
            }
        }
    }

    @Test
    func `exits at once on a second signal although several hubs have clients`() throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0", "--hubs", "3")
            let address = try program.address()
            let clients = try (0..<6).map { _ in
                let client = try connect(to: address)
                try client.write("one\n")
                #expect(try client.readLine() == "one")
                return client
            }
            program.signal(SIGTERM)
            try waitUntilRefused(address)
            program.signal(SIGTERM)
            #expect(try program.exitCode() == 1)
            for client in clients {
                #expect(try client.readLine() == nil)
            }
        }
    }

    @Test(arguments: ["0", "-1", "1025", "10000", "two", ""])
    func `refuses a number of hubs that is not from 1 to 1024`(_ text: String) throws {
        try onHub { () throws in
            for name in ["green-echo", "green-chat"] {
                let program = try Program(name, "--port", "0", "--hubs", text)
                let lines = try program.rest()
                #expect(lines.first == "\(name): --hubs takes a number from 1 to 1024, not '\(text)'")
                #expect(try program.exitCode() == 2)
            }
        }
    }

    /// Returns a port that was free a moment ago, for a program whose output is not read.
    private func freePort() throws -> UInt16 {
        let listener = try listen(on: .loopback())
        defer { listener.close() }
        return try #require(listener.address.port)
    }

    /// Connects to a program that will listen soon.
    private func connectSoon(_ port: UInt16) throws -> Socket {
        for _ in 0..<30_000 {
            if let socket = try? connect(to: .loopback(port: port)) {
                return socket
            }
            try GreenThread.sleep(for: .milliseconds(2))
        }
        throw SystemError(code: .timedOut, message: "the program does not listen")
    }

    @Test(arguments: [true, false])
    func `continues when its output is not read`(isFull: Bool) throws {
        try onHub { () throws in
            let (pipe, port) = (try UnreadPipe(isFull: isFull), try freePort())
            let program = try GreenProcess(
                FilePath(Program.folder + "/green-echo"),
                arguments: ["--port", "\(port)"],
                output: .descriptor(pipe.end),
                error: .pipe
            )
            // Each of these causes a line of output, more than the program queues.
            for _ in 0..<1200 {
                let client = try connectSoon(port)
                try client.write("x")
                _ = try client.read(upTo: 1)
                try client.reset()
            }
            let client = try connectSoon(port)
            try client.write("one\n")
            #expect(try client.readLine() == "one")
            client.close()
            try program.send(.terminate)
            let text = String(decoding: try program.error!.readAll(), as: UTF8.self)
            #expect(text == "green-echo: not all of the output could be written\n")
            #expect(try program.wait() == .exited(1))
        }
    }

    @Test
    func `drops a client that is silent, and one that does not read`() throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0", "--idle", "0.05")
            let address = try program.address()
            let silent = try connect(to: address)
            #expect(try silent.read(upTo: 1) == [])
            #expect(try program.output.readLine() == "\(silent.localAddress): silent for 0.050 s")
            let deaf = try connect(to: address)
            #expect(throws: SystemError.self) {
                while true {
                    try deaf.write([UInt8](repeating: 0, count: 65536))
                }
            }
        }
    }

    @Test
    func `replaces the client that was silent for longest with a new one`() throws {
        try onHub { () throws in
            let program = try Program("green-echo", "--port", "0", "--concurrency", "10")
            let address = try program.address()
            var clients: [Socket] = []
            func speak(_ client: Socket) throws {
                try client.write("x\n")
                #expect(try client.readLine() == "x")
            }
            for _ in 0..<10 {
                clients.append(try connect(to: address))
                try speak(clients.last!)
            }
            try speak(clients[0])
            let late = try connect(to: address)
            try speak(late)
            #expect(try clients[1].read(upTo: 1) == [])
            #expect(try program.output.readLine()?.contains("silent for longest") == true)
            try speak(clients[0])
            // The program accepts any number of silent clients.
            let silent = try (0..<100).map { _ in try connect(to: address) }
            let last = try connect(to: address)
            try speak(last)
            #expect(silent.count == 100)
        }
    }

    @Test(.disabled(if: isAddressSanitized, "the sanitizer's own runtime needs /proc"))
    func `finds its arguments without /proc`() throws {
        try onHub { () throws in
            let hidden = ["-rm", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"]
            guard try run("unshare", arguments: hidden + ["true"]).terminationStatus.isSuccess else { return }
            let program = Program.folder + "/green-echo"
            let result = try run("unshare", arguments: hidden + [program, "--prot", "1"])
            #expect(result.errorText == "green-echo: unknown option '--prot'\n")
            #expect(result.terminationStatus == .exited(2))
        }
    }

    @Test
    func `prints its usage`() throws {
        try onHub { () throws in
            let help = try Program("green-echo", "--help")
            #expect(try help.rest().first?.hasPrefix("usage: green-echo") == true)
            #expect(try help.exitCode() == 0)
            let typo = try Program("green-echo", "--prot", "6000")
            let lines = try typo.rest()
            #expect(lines.contains("green-echo: unknown option '--prot'"))
            #expect(lines.contains { $0.hasPrefix("usage: ") })
            #expect(try typo.exitCode() == 2)
            let bare = try Program("green-echo", "--port")
            #expect(try bare.rest().contains("green-echo: --port needs a value"))
            #expect(try bare.exitCode() == 2)
        }
    }

    @Test
    func `reports in one line that its port is in use`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let program = try Program("green-echo", "--port", "\(address.port ?? 0)")
            let lines = try program.rest()
            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix("green-echo: cannot listen on \(address)") == true, "\(lines)")
            #expect(lines.first?.contains("Address already in use") == true, "\(lines)")
            #expect(try program.exitCode() == 1)
        }
    }
}
