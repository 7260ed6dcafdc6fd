// Sends back whatever a client sends.
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

            Sends back whatever a client sends. Ctrl-C lets the clients finish for ten seconds, a second one does not.

              --host HOST                      where to listen, a name or a number (127.0.0.1)
              --port N                         the port; 0 is any free one (6000)
              --concurrency N                  how many clients at one time (10000). One more takes the place of the client
                                               that has been silent for longest.
              --idle S                         seconds that a client may be silent, or not read (300)
              --tls-cert FILE, --tls-key FILE  its certificate and key, PEM: it speaks TLS
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
        try listener.stop(draining: .seconds(10))
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
