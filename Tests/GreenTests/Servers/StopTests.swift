import Green
import Testing

@Suite("Stopping a server")
struct StopTests {
    @Test
    func `lets the handlers finish within the grace period`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let server = spawn {
                try serve(listener) { client, _ in
                    try client.write("began\n")
                    guard let line = try client.readLine() else { return }
                    try client.write("\(line)\n")
                }
            }
            let socket = try connect(to: listener.address)
            #expect(try socket.readLine() == "began")
            let address = try listener.address
            let stopper = spawn { try listener.stop(drainingFor: .seconds(60)) }
            try settle()
            #expect(try refusal(by: address)?.code == .connectionRefused)
            #expect(!server.isFinished)
            try socket.write("finish\n")
            #expect(try stopper.wait() == 0)
            try server.wait()
            #expect(try socket.readLine() == "finish")
        }
    }

    @Test
    func `kills the remaining handlers after the grace period`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            var exits = 0
            let server = spawn {
                try serve(listener, onError: { _ in exits += 1000 }) { client, _ in
                    try client.write("began\n")
                    defer { exits += 1 }
                    try GreenThread.sleep(for: .seconds(1000))
                }
            }
            let sockets = try (0..<5).map { _ in try connect(to: listener.address) }
            for socket in sockets {
                #expect(try socket.readLine() == "began")
            }
            #expect(try listener.stop(drainingFor: .milliseconds(5)) == 5)
            try server.wait()
            #expect(exits == 5, "a killed handler is not an error")
            for socket in sockets {
                #expect(try socket.read(upTo: 1) == [])
            }
        }
    }

    @Test
    func `by a handler does not kill that handler`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let server = spawn {
                try serve(listener) { client, _ in
                    let killed = try listener.stop(drainingFor: .zero)
                    try client.write("killed \(killed)\n")
                }
            }
            let socket = try connect(to: listener.address)
            #expect(try socket.readLine() == "killed 0")
            try server.wait()
        }
    }

    @Test
    func `by closing the listener does not affect the handlers`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let server = spawn {
                try serve(listener) { client, _ in
                    while let line = try client.readLine() {
                        try client.write("\(line)\n")
                    }
                }
            }
            let socket = try connect(to: listener.address)
            try socket.write("before\n")
            #expect(try socket.readLine() == "before")
            listener.close()
            try server.wait()
            try socket.write("after\n")
            #expect(try socket.readLine() == "after")
        }
    }

    @Test
    func `reports an error of a handler that outlives it`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let listener = try listen(on: "127.0.0.1:0")
                let server = spawn {
                    try serve(listener) { client, _ in
                        try client.write("began\n")
                        try GreenThread.sleep(for: .milliseconds(20))
                        throw Mistake(number: 6)
                    }
                }
                let socket = try connect(to: listener.address)
                _ = try socket.readLine()
                listener.close()
                try server.wait()
                _ = try socket.read(upTo: 1)
            }
        }
        #expect(reports(of: child).count == 1)
        #expect(reports(of: child).first?.hasSuffix("ended with an error: Mistake(number: 6)") == true)
    }
}
