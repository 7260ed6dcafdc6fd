import ArgumentParser
import Foundation
import Green

/// The echo server as a user of Green writes it in Swift.
@main
struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "green-bench-swift-echo",
        abstract: "An echo server, to be measured."
    )

    @Option(help: "Where to listen; port 0 is any free one.")
    var listen = "127.0.0.1:0"

    @Flag(help: "Answer from the provided buffer that the bytes arrived in.")
    var inPlace = false

    func run() throws {
        let listener = try Green.listen(on: listen)
        let address = try listener.address
        try FileHandle.standardOutput.write(contentsOf: Data("listening on \(address)\n".utf8))
        let handler = inPlace ? echoInPlace : echo
        // Clients that break the connection are everyday business.
        try serve(listener, concurrency: 100_000, onError: { _ in }, handler)
    }
}

/// Reads into a buffer of its own.
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
