// Hands connections on to another server: every byte, both ways.
import Green
import GreenExampleSupport

/// Copies one direction to its end, and tells the receiver that it has ended. When that fails, so does the other
/// direction.
func copy(from source: Socket, to target: Socket, of client: Client) throws {
    do {
        while try source.withReceived({ bytes in
            client.touch()
            try target.write(bytes)
            return !bytes.isEmpty
        }) {}
        try target.shutdown(.writing)
    } catch {
        source.close()
        target.close()
        throw error
    }
}

func forward() throws {
    let options = Options(
        "listen",
        "to",
        "concurrency",
        "idle",
        "tls-cert",
        "tls-key",
        "tls-to",
        "tls-name",
        usage: """
            usage: green-forward --listen PORT --to HOST:PORT [OPTION VALUE]...

            Listens on a port of this machine, or on HOST:PORT, and hands each connection on.

              --concurrency N                  maximum number of clients (10000); a new one replaces the one silent
                                               for longest
              --idle S                         seconds after which a silent connection is closed (3600)
              --tls-cert FILE, --tls-key FILE  its certificate and key, PEM: clients speak TLS to it
              --tls-to system|FILE             it speaks TLS to the server, and trusts the system's authorities or these
              --tls-name NAME                  whose certificate the server must have, if not HOST
            """
    )
    let (port, target) = (options.required("listen"), options.required("to"))
    let clients = Clients(
        limit: options["concurrency", default: 10_000],
        idle: options["idle", default: .seconds(3600)],
        descriptors: 2
    )
    let listener = try options.listen(on: port.contains(":") ? port : "127.0.0.1:\(port)")
    let open = try options.connecting()
    log("forwarding \(try listener.address) to \(target)")

    try clients.serve(listener) { client in
        let server = try open(target, .seconds(30))
        defer { server.close() }
        let back = spawn { Result { try copy(from: server, to: client.socket, of: client) } }
        // Runs when this client is dropped, too.
        defer { try? back.kill() }
        let sent = Result { try copy(from: client.socket, to: server, of: client) }
        let received = try back.wait()
        try sent.get()
        try received.get()
    }
}

run(forward)
