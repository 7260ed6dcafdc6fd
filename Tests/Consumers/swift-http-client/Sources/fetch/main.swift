// 100 green threads make 1 000 requests by AsyncHTTPClient, all at the same time, against a local server of Green. Each
// request binds an id, which its Task must see, and gets its own answer. Then a kill ends a request that has no answer.
import AsyncHTTPClient
import Glibc
import Green

enum RequestID {
    @TaskLocal static var bound = ""
}

struct Wrong: Error {
    let path, answer, bound: String
}

let threads = 100
let requests = 10

let hubs = try HubPool(count: 2)
let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in try respond(to: client) }
let base = "http://\(server.address)"
// By default it has eight connections to a host.
var configuration = HTTPClient.Configuration()
configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = threads
let client = HTTPClient(configuration: configuration)

/// Waits in a green thread for an async call.
func get(_ path: String) throws {
    let (answer, bound) = try awaiting {
        let response = try await client.execute(HTTPClientRequest(url: base + path), timeout: .seconds(600))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (String(buffer: body), RequestID.bound)
    }
    guard answer == path, bound == path else { throw Wrong(path: path, answer: answer, bound: bound) }
}

let start = ContinuousClock.now
let fetchers = (0..<threads).map { thread in
    spawn {
        for request in 0..<requests {
            let path = "/\(thread)/\(request)"
            try RequestID.$bound.withValue(path) { try get(path) }
        }
    }
}
for fetcher in fetchers { try fetcher.wait() }
let time = ContinuousClock.now - start

let waiting = spawn { try get("/never") }
try GreenThread.yield()
try waiting.kill()
do {
    try waiting.wait()
    print("the killed request has an answer")
    exit(1)
} catch is GreenExit {}

try awaiting { try await client.shutdown() }
try server.stop(drainingFor: .zero)
print("\(threads * requests) requests by AsyncHTTPClient from \(threads) green threads at once: \(time)")
