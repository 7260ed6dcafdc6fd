// An echo server and its client in one program, which tries TLS where Green has it.
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
try listener.stop(draining: .seconds(60))
try server.wait()

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
