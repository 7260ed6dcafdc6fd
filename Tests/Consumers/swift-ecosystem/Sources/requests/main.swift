// 1 000 requests at the same time, on several hubs. Each binds its id as a task-local, in a ServiceContext and in the
// metadata of its logger, and blocks again and again while the others run. Each line that it logs must have its id.
import Glibc
import Green
import GreenLogging
import InMemoryLogging
import Logging

let requests = 1000

/// Each request has two sockets.
func allowDescriptors() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

let log = InMemoryLogHandler()
LoggingSystem.bootstrap(
    { _, provider in
        var handler = log
        handler.metadataProvider = provider
        return handler
    },
    metadataProvider: .multiplex([.green, .requestID])
)
GreenReport.log(to: Logger(label: "green"))
allowDescriptors()

let hubs = try HubPool(count: 3)
let messages = Channel<Message>(capacity: 10)
let receiver = hubs[0].spawn { try receive(messages) }
let handler = Handler(gate: Gate(requests), hubs: hubs, messages: messages)
let server = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in
    try handler.serve(client)
}

let clients = (1...requests).map { id in
    spawn { () -> Bool in
        let socket = try connect(to: server.address)
        return try RequestID.$bound.withValue(-id) {
            try socket.write("\(id)\n")
            guard let line = try socket.readLine() else { return false }
            try socket.write("\(line)\n")
            let end = try socket.readLine()
            return line == "\(id)" && end == "done" && RequestID.bound == -id
        }
    }
}
let answered = try clients.filter { try $0.wait() }.count
messages.close()
try receiver.wait()
try server.stop()

let lines = log.entries
let wrong = lines.filter { line in
    guard let id = "\(line.message)".split(separator: " ").first else { return true }
    return line.metadata["request"] != "\(id)" || line.metadata["context"] != "\(id)"
}
let expected = requests * Handler.steps.count
let switches = zip(lines, lines.dropFirst()).filter { $0.metadata["request"] != $1.metadata["request"] }.count
guard answered == requests, lines.count == expected, wrong.isEmpty else {
    print("\(answered) answers; \(lines.count) lines of \(expected); \(wrong.count) are wrong: \(wrong.prefix(3))")
    exit(1)
}
print(
    "\(lines.count) lines of \(requests) interleaved requests have the right ids; \(switches) follow another request's"
)
