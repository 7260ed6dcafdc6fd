import Green
import Testing

@Suite("Serving")
struct ServeTests {
    /// A client of an echo server, which expects the bytes that it sent.
    private func echo(_ text: String, at address: SocketAddress) throws -> Bool {
        let socket = try connect(to: address, timeout: .seconds(60))
        try socket.write(text)
        try socket.shutdown(.writing)
        return try socket.readLine() == text
    }

    @Test
    func `echoes each of a thousand concurrent clients its own bytes`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let server = spawn {
                try serve(listener, stackSize: 128 << 10) { client, _ in
                    while let line = try client.readLine() {
                        try client.write(line)
                    }
                }
            }
            let clients = (0..<1000).map { number in
                spawn(stackSize: 128 << 10) { try echo("client \(number)", at: address) }
            }
            var served = 0
            for client in clients {
                served += try client.wait() ? 1 : 0
            }
            #expect(served == 1000)
            #expect(try listener.stop(drainingFor: .seconds(60)) == 0)
            try server.wait()
        }
    }

    @Test
    func `throws the error of a handler itself`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let incident = Incident(Ledger().make())
            let server = spawn { try serve(listener) { _, _ in throw incident } }
            let socket = try connect(to: listener.address)
            let error = #expect(throws: Incident.self) { try server.wait() }
            #expect(error === incident)
            #expect(try socket.read(upTo: 1) == [], "its client is closed")
            #expect(try listener.address.port != 0, "the listener stays open")
        }
    }

    @Test
    func `returns after StopServe, and may start again`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            for _ in 0..<2 {
                let server = spawn { try serve(listener) { _, _ in throw StopServe() } }
                let socket = try connect(to: listener.address)
                try server.wait()
                #expect(try socket.read(upTo: 1) == [])
            }
        }
    }

    @Test
    func `continues if there is an onError`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            var mistakes: [Int] = []
            let server = spawn {
                try serve(listener, onError: { mistakes.append(($0 as? Mistake)?.number ?? -1) }) { client, _ in
                    guard let line = try client.readLine() else { throw StopServe() }
                    throw Mistake(number: Int(line) ?? 0)
                }
            }
            for number in 1...3 {
                let socket = try connect(to: listener.address)
                try socket.write("\(number)\n")
                #expect(try socket.read(upTo: 1) == [])
            }
            let last = try connect(to: listener.address)
            try last.shutdown(.writing)
            try server.wait()
            #expect(mistakes == [1, 2, 3])
        }
    }

    @Test
    func `closes the client after its handler, even if it is retained`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            var kept: [Socket] = []
            let server = spawn {
                try serve(listener) { client, _ in
                    kept.append(client)
                    try client.write("bye\n")
                }
            }
            let socket = try connect(to: listener.address)
            #expect(try socket.readLine() == "bye")
            #expect(try socket.readLine() == nil)
            #expect(failure { try kept.first?.write("x") }?.code == .badFileDescriptor)
            listener.close()
            try server.wait()
        }
    }

    @Test
    func `limits the number of concurrent handlers`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            var (running, most) = (0, 0)
            let server = spawn {
                try serve(listener, concurrency: 3) { client, _ in
                    running += 1
                    most = max(most, running)
                    defer { running -= 1 }
                    try GreenThread.sleep(for: .milliseconds(2))
                    try client.write("done\n")
                }
            }
            let sockets = try (0..<20).map { _ in try connect(to: listener.address) }
            for socket in sockets {
                #expect(try socket.readLine() == "done")
            }
            #expect(most == 3)
            #expect(try listener.stop() == 0)
            try server.wait()
        }
    }

    @Test
    func `is refused to a second thread`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let first = spawn { try serve(listener) { _, _ in } }
            try GreenThread.yield()
            #expect(failure { try serve(listener) { _, _ in } }?.code == .resourceBusy)
            #expect(failure { try listener.accept() }?.code == .resourceBusy)
            listener.close()
            listener.close()
            try first.wait()
            #expect(failure { try listener.accept() }?.code == .badFileDescriptor)
            #expect(failure { try listener.address }?.code == .badFileDescriptor)
        }
    }
}
