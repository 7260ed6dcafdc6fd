// An echo server and its client in one program, with TLS if Green has it. Also checks results with heap storage, whose
// lifetime the optimiser determines in a release build.
import Green

struct Mismatch: Error {
    let line: String?
}

let listener = try listen(on: "127.0.0.1:0")
let server = spawn {
    try serve(listener) { client, _ in
        while let line = try client.readLine() {
            try client.write("\(line)\n")
        }
    }
}

let socket = try connect(to: listener.address, timeout: .seconds(60))
try socket.write("hello\n")
let line = try socket.readLine()
guard line == "hello" else { throw Mismatch(line: line) }
socket.close()
try listener.stop(drainingFor: .seconds(60))
try server.wait()

@Sendable
func text(_ number: Int) -> String {
    "result \(number) with storage on the heap"
}

func results() throws -> [String] {
    let hubs = try HubPool(count: 2)
    defer { _ = try? hubs.close() }
    let pool = GreenPool(size: 10)
    let pile = GreenPile<String>(pool)
    try pile.spawn { text(4) }
    let queue = Queue<String>()
    try queue.put(text(5))
    let event = Event<String>()
    try event.send(text(6))
    let channel = Channel<String>()
    hubs[1].detach { try channel.send(text(11)) }
    let promise = Promise<String>()
    hubs[1].detach { try promise.send(text(12)) }
    return try [
        spawn { text(1) }.wait(), pool.spawn { text(2) }.wait(), GreenThread.wait(any: [spawn { text(3) }]).wait(),
    ]
        + [pile.next()!, queue.get(), event.wait()]
        + pool.map(7...9) { text($0) }.map { try $0.get() }
        + [hubs[0].spawn { text(10) }.wait(), channel.receive(), promise.wait()]
}
let found = try results()
guard found == (1...12).map(text) else { throw Mismatch(line: found.joined(separator: ", ")) }

#if WITH_TLS
_ = try TLS.client()
do {
    _ = try TLS.client { $0.authorities = .file("/missing.pem") }
    throw Mismatch(line: "a context without its authorities")
} catch let error as TLSError where error.problem == .badSetup {
    guard error.message.contains("/missing.pem cannot be read: No such file or directory") else { throw error }
}
#endif
print("Green echoed what was sent")
