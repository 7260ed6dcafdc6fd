import Green
import Testing

@Suite("Serving clients that break their connection")
struct ServeClientTests {
    /// A program's own error that wraps one of Green's.
    private enum Wrapped: Error {
        case request(String, underlying: any Error)
    }

    private final class WrappedTwice: Error {
        let cause: Result<Never, any Error>?

        init(_ error: any Error) {
            cause = .failure(Wrapped.request("GET", underlying: error))
        }
    }

    private func expectServed(_ address: SocketAddress) throws {
        let client = try connect(to: address, timeout: .seconds(60))
        try client.write("hello\n")
        #expect(try client.readLine()?.hasSuffix("hello") == true)
        try client.shutdown(.writing)
        #expect(try client.readLine() == nil)
    }

    /// Runs a server, checks that its handler ran for the client, and returns the error that `serve` threw.
    private func serveOnce(
        _ handler: @escaping (Socket) throws -> Void,
        _ client: (Socket) throws -> Void
    ) throws -> (any Error)? {
        let listener = try listen(on: "127.0.0.1:0")
        var (begun, ended) = (false, false)
        let server = spawn {
            try serve(listener) { client, _ in
                begun = true
                defer { ended = true }
                try handler(client)
            }
        }
        let socket = try connect(to: listener.address)
        while !begun { try GreenThread.yield() }
        try client(socket)
        while !ended { try GreenThread.sleep(for: .milliseconds(1)) }
        try settle()
        listener.close()
        do {
            try server.wait()
            return nil
        } catch {
            return error
        }
    }

    @Test
    func `continues in the server of the README`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let server = spawn {
                try serve(listener) { client, address in
                    while let line = try client.readLine() {
                        try client.write("\(address) said \(line)\n")
                    }
                }
            }
            try connect(to: address).reset()
            try expectServed(address)
            let garbage = try connect(to: address)
            try garbage.write([UInt8](repeating: 0xC1, count: 1000))
            try garbage.shutdown(.writing)
            _ = try garbage.readLine()
            let long = try connect(to: address)
            // The client is closed before everything is written.
            #expect(throws: SystemError.self) {
                for _ in 0..<10000 { try long.write(String(repeating: "x", count: 1000)) }
            }
            try expectServed(address)
            #expect(!server.isFinished)
            listener.close()
            try server.wait()
        }
    }

    @Test
    func `continues after an error of the client, wrapped or not`() throws {
        let wraps: [(any Error) -> any Error] = [
            { $0 },
            { Wrapped.request("GET", underlying: $0) },
            { WrappedTwice($0) },
            { PropagatedError(key: "page", underlying: $0) },
        ]
        try onHub { () throws in
            for wrap in wraps {
                let thrown = try serveOnce({ client in
                    do {
                        _ = try client.readLine()
                    } catch {
                        throw wrap(error)
                    }
                }) { try $0.reset() }
                #expect(thrown == nil)
            }
        }
    }

    @Test
    func `continues after a timeout of the client's socket`() throws {
        try onHub { () throws in
            let thrown = try serveOnce({ client in
                client.readTimeout = .milliseconds(1)
                defer { try? client.write("too slow\n") }
                _ = try client.readLine()
            }) { _ = try $0.readLine() }
            #expect(thrown == nil)
        }
    }

    @Test
    func `ends with the error of a connection to another server, wrapped or not`() throws {
        try onHub { () throws in
            for isWrapped in [false, true] {
                let backend = try listen(on: "127.0.0.1:0")
                let thrown = try serveOnce({ client in
                    let connection = try connect(to: backend.address)
                    try backend.accept().reset()
                    do {
                        _ = try connection.readLine()
                    } catch  where isWrapped {
                        throw Wrapped.request("SELECT", underlying: error)
                    }
                }) { _ in }
                if isWrapped {
                    #expect(thrown is Wrapped)
                } else {
                    #expect((thrown as? SystemError)?.code == .connectionReset)
                }
            }
        }
    }

    @Test
    func `ends with a handler's own error, even if its client has disconnected`() throws {
        try onHub { () throws in
            let thrown = try serveOnce({ client in
                _ = try? client.readLine()
                throw Mistake(number: 3)
            }) { try $0.reset() }
            #expect((thrown as? Mistake)?.number == 3)
        }
    }

    @Test
    func `passes the error to onError`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            var codes: [Errno?] = []
            let server = spawn {
                try serve(listener, onError: { codes.append(($0 as? SystemError)?.code) }) { client, _ in
                    _ = try client.readLine()
                }
            }
            let client = try connect(to: listener.address)
            try settle()
            try client.reset()
            while codes.isEmpty { try GreenThread.sleep(for: .milliseconds(1)) }
            #expect(codes == [.connectionReset])
            listener.close()
            try server.wait()
        }
    }

    @Test
    func `reports the error with the client's address if there is no onError`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let listener = try listen(on: "unix:@green-serve-\(UInt64.random(in: 0 ... .max))")
                let server = spawn {
                    try serve(listener) { client, _ in
                        try client.write("began\n")
                        _ = try client.readLine(limit: 3)
                    }
                }
                let client = try connect(to: listener.address)
                _ = try client.readLine()
                try client.write("too long\n")
                #expect(throws: (any Error).self) {
                    while try client.readLine() != nil {}
                    throw StopServe()
                }
                listener.close()
                try server.wait()
            }
        }
        #expect(reports(of: child).count == 1)
        #expect(reports(of: child).first?.contains("serving unix:") == true, "\(reports(of: child))")
        #expect(reports(of: child).first?.contains("a line of more than 3 bytes") == true, "\(reports(of: child))")
    }

    @Test
    func `a socket reports its failure until the next success`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            near.readTimeout = .milliseconds(1)
            let error = try #require(failure { try near.readLine() })
            #expect(near.hasFailed(with: error))
            #expect(!far.hasFailed(with: error))
            #expect(!near.hasFailed(with: SystemError(code: .connectionReset, message: "")))
            #expect(!near.hasFailed(with: StopServe()))
            try far.write("line\n")
            #expect(try near.readLine() == "line")
            #expect(!near.hasFailed(with: error))
        }
    }
}
