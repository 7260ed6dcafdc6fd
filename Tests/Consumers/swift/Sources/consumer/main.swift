// An echo server and its client in one program.
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
print("Green echoed what was sent")
