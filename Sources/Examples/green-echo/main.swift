// Sends every byte that a client sends back to the client.
import Glibc
import Green
import GreenExampleSupport

func echo() throws {
    let options = Options(
        "host",
        "port",
        "concurrency",
        "idle",
        "tls-cert",
        "tls-key",
        usage: """
            usage: green-echo [OPTION VALUE]...

            Sends every byte that a client sends back to the client. On Ctrl-C, the clients have ten seconds to
            finish; a second Ctrl-C exits at once.

              --host HOST                      host name or address to listen on (127.0.0.1)
              --port N                         port to listen on; 0 selects a free one (6000)
              --concurrency N                  maximum number of clients (10000); a new one replaces the one silent
                                               for longest
              --idle S                         seconds after which an inactive client is dropped (300)
              --tls-cert FILE, --tls-key FILE  certificate and key in PEM; enables TLS
            """
    )
    let clients = Clients(limit: options["concurrency", default: 10_000], idle: options["idle", default: .seconds(300)])
    let signals = try Signals([.interrupt, .terminate])
    let listener = try options.listen(host: options["host"] ?? "127.0.0.1", port: options["port", default: 6000])
    log("listening on \(try listener.address)")

    detach(name: "signals") {
        log("\(try signals.next()): waiting for the clients to finish")
        detach(name: "second signal") {
            try signals.next()
            exit(1)
        }
        try listener.stop(drainingFor: .seconds(10))
    }

    try clients.serve(listener) { client in
        while try client.socket.withReceived({ bytes in
            client.touch()
            try client.socket.write(bytes)
            return !bytes.isEmpty
        }) {}
    }
}

run(echo)
