// Hands connections on to another server: every byte, both ways.
import Green
import GreenExampleSupport

/// Copies one direction to its end, and tells the receiver that it has ended. When that fails, so does the other
/// direction.
func copy(from source: Socket, to target: Socket) throws {
    do {
        while try source.withReceived({ bytes in
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
        "tls-cert",
        "tls-key",
        "tls-to",
        "tls-name",
        usage: """
            usage: green-forward --listen PORT --to HOST:PORT [--tls-cert FILE --tls-key FILE]
                                 [--tls-to system|FILE [--tls-name NAME]]

            Listens on a port of this machine, or on HOST:PORT, and hands each connection on.

              --tls-cert FILE, --tls-key FILE  its certificate and key, PEM: clients speak TLS to it
              --tls-to system|FILE             it speaks TLS to the server, and trusts the system's authorities or these
              --tls-name NAME                  whose certificate the server must have, if not HOST
            """
    )
    let (port, target) = (options.required("listen"), options.required("to"))
    let listener = try options.listen(on: port.contains(":") ? port : "127.0.0.1:\(port)")
    let open = try options.connecting()
    say("forwarding \(try listener.address) to \(target)")

    try serve(listener, onError: { say("\($0)") }) { client, _ in
        let server = try open(target, .seconds(30))
        let back = spawn { try copy(from: server, to: client) }
        let sent = Result { try copy(from: client, to: server) }
        let received = Result { try back.wait() }
        try sent.get()
        try received.get()
    }
}

run(forward)
