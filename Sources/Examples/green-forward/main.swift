// Forwards connections to another server, in both directions.
import Green
import GreenExampleSupport

/// Copies one direction until its end, and then ends the receiver's stream.
func copy(from source: Socket, to target: Socket, of client: Client) throws {
    while try source.withReceived({ bytes in
        client.touch()
        try target.write(bytes)
        return !bytes.isEmpty
    }) {}
    try target.shutdown(.writing)
}

func forward() throws {
    let options = Options(
        "listen",
        "to",
        "hubs",
        "concurrency",
        "idle",
        "tls-cert",
        "tls-key",
        "tls-to",
        "tls-name",
        usage: """
            usage: green-forward --listen PORT --to HOST:PORT [OPTION VALUE]...

            Listens on a port of 127.0.0.1, or on HOST:PORT, and forwards each connection to a server.

              --hubs N                         number of hubs, each with an OS thread of its own (1)
              --concurrency N                  maximum number of clients (10000), divided among the hubs; a new one
                                               replaces the one silent for longest
              --idle S                         seconds after which a silent connection is closed (3600)
              --tls-cert FILE, --tls-key FILE  certificate and key in PEM; clients must use TLS
              --tls-to system|FILE             connect to the server with TLS, and trust the system's
                                               authorities or those in FILE
              --tls-name NAME                  name in the server's certificate (HOST)
            """
    )
    let (port, target) = (options.required("listen"), options.required("to"))
    let open = try options.connecting()
    let service = try Service(options, idle: .seconds(3600), descriptors: 2)
    let front = try service.start(on: port.contains(":") ? port : "127.0.0.1:\(port)", options) { client in
        let server = try open(target, .seconds(30))
        defer { server.close() }
        // An error of one direction ends the other. So does the end of the client by the service.
        try withGreenGroup { group in
            group.spawn { try copy(from: server, to: client.socket, of: client) }
            try copy(from: client.socket, to: server, of: client)
        }
    }
    log("forwarding \(front.address) to \(target)")
    try service.wait(for: front)
}

run(forward)
