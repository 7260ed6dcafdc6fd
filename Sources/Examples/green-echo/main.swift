// Sends back whatever a client sends.
import Glibc
import Green
import GreenExampleSupport

func echo() throws {
    let options = Options(
        "host",
        "port",
        "concurrency",
        "tls-cert",
        "tls-key",
        usage: """
            usage: green-echo [--host 127.0.0.1] [--port 6000] [--concurrency 1000] [--tls-cert FILE --tls-key FILE]

            Sends back whatever a client sends. Ctrl-C lets the clients finish for ten seconds, a second one does not.
            With a certificate and its key, both PEM, it speaks TLS.
            """
    )
    let signals = try Signals([.interrupt, .terminate])
    let listener = try options.listen(on: "\(options["host"] ?? "127.0.0.1"):\(options["port"] ?? "6000")")
    say("listening on \(try listener.address)")

    detach(name: "signals") {
        say("\(try signals.next()): waiting for the clients to finish")
        detach(name: "second signal") {
            try signals.next()
            exit(1)
        }
        try listener.stop(draining: .seconds(10))
    }

    try serve(listener, concurrency: options["concurrency", default: 1000], onError: { say("a client: \($0)") }) {
        client,
        _ in
        while try client.withReceived({ bytes in
            try client.write(bytes)
            return !bytes.isEmpty
        }) {}
    }
}

run(echo)
