// Sends every byte that a client sends back to the client.
import Glibc
import Green
import GreenExampleSupport

func echo() throws {
    let options = Options(
        "host",
        "port",
        "hubs",
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
              --hubs N                         number of hubs, each with an OS thread of its own (1)
              --concurrency N                  maximum number of clients (10000), divided among the hubs; a new one
                                               replaces the one silent for longest
              --idle S                         seconds after which an inactive client is dropped (300)
              --tls-cert FILE, --tls-key FILE  certificate and key in PEM; enables TLS
            """
    )
    let signals = try Signals([.interrupt, .terminate])
    let service = try Service(options, idle: .seconds(300))
    let address = try options.address(defaultPort: 6000)
    let server = try service.start(on: address, options) { client in
        while try client.socket.withReceived({ bytes in
            client.touch()
            try client.socket.write(bytes)
            return !bytes.isEmpty
        }) {}
    }
    log("listening on \(server.address)")

    detach(name: "signals") {
        log("\(try signals.next()): waiting for the clients to finish")
        detach(name: "second signal") {
            try signals.next()
            exit(1)
        }
        try server.stop(drainingFor: .seconds(10))
    }
    try service.wait(for: server)
}

run(echo)
