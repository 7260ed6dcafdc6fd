import ArgumentParser
import Foundation
import Green

/// An echo server in Swift, written like that of a user of Green.
@main
struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "green-bench-swift-echo",
        abstract: "The echo server of the benchmarks, in Swift."
    )

    @Option(help: "Address to listen on; port 0 means any free port.")
    var listen = "127.0.0.1:0"

    @Flag(help: "Answer from the provided buffer that the bytes arrived in.")
    var inPlace = false

    func run() throws {
        let listener = try Green.listen(on: listen)
        let address = try listener.address
        try FileHandle.standardOutput.write(contentsOf: Data("listening on \(address)\n".utf8))
        let handler = inPlace ? echoInPlace : echo
        // Clients that reset the connection are normal.
        try serve(listener, concurrency: 100_000, onError: { _ in }, handler)
    }
}

/// Reads into its own buffer.
private func echo(client: Socket, address: SocketAddress) throws {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while case let count = try client.read(into: &buffer), count > 0 {
        try client.write(buffer[..<count])
    }
}

/// Holds no buffer while it waits.
private func echoInPlace(client: Socket, address: SocketAddress) throws {
    while try client.withReceived({ bytes in
        try client.write(bytes)
        return !bytes.isEmpty
    }) {}
}
