#if TLS
import Glibc
import Green
import Testing

/// The certificates in this folder; `make-fixtures` creates them.
enum Fixture {
    private static let folder = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Fixtures/"

    static func path(_ name: String) -> String {
        folder + name
    }

    static func file(_ name: String) -> PEM {
        .file(path(name))
    }

    static func text(_ name: String) throws -> String {
        let file = try unsafe FileDescriptor.open(folder + name, .readOnly)
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    static func server(_ configure: (inout TLS.ServerOptions) -> Void = { _ in }) throws -> TLS {
        try TLS.server(certificateChain: file("localhost.pem"), privateKey: file("localhost.key"), configure)
    }

    /// A client that trusts the fixtures' authority.
    static func client(_ configure: (inout TLS.ClientOptions) -> Void = { _ in }) throws -> TLS {
        try TLS.client {
            $0.authorities = file("authority.pem")
            configure(&$0)
        }
    }
}

/// Serves connections while the body runs. Returns the errors of handlers.
@discardableResult
func serving(
    _ tls: TLS?,
    _ handler: @escaping (Socket) throws -> Void = echo,
    _ body: (SocketAddress, Listener) throws -> Void
) throws -> [any Error] {
    let listener = try listen(on: "127.0.0.1:0")
    try listener.useTLS(tls)
    var errors: [any Error] = []
    let server = spawn {
        try serve(listener, onError: { errors.append($0) }) { client, _ in try handler(client) }
    }
    try body(try listener.address, listener)
    try listener.stop(drainingFor: .seconds(20))
    try server.wait()
    return errors
}

func echo(_ client: Socket) throws {
    while let line = try client.readLine() {
        try client.write("\(line)\n")
    }
}

/// Ends the stream below TLS, without close_notify.
func cut(_ socket: Socket) throws {
    shutdown(try socket.fileDescriptor.rawValue, Int32(SHUT_WR))
}

/// Returns the TLS error of a call that must fail with one.
func problem<Value>(of body: () throws -> Value) -> TLSError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? TLSError
    }
}
#endif
