// A program whose code is isolated to the main actor by default, with a synchronous main.
import Dispatch
import Glibc
import Green

var calls = 0

func show(_ name: String, _ works: Bool) {
    print("\(works ? "works" : "FAILS"): \(name)")
}

final class Model {
    var lines: [String] = []
    func add(_ line: String) { lines.append(line) }
}

func countAsync() async -> Int {
    await Task.yield()
    calls += 1
    return calls
}

/// For other hubs, which are other OS threads.
nonisolated struct Message {
    var text: String
    func shout() -> String { text.uppercased() }
}

nonisolated func answer(_ client: Socket) throws {
    while let line = try client.readLine() {
        try client.write("\(Message(text: line).shout())\n")
    }
}

@main
struct Program {
    static func main() throws {
        let model = Model()
        let queue = Queue<String>(capacity: 2)
        let thread = spawn {
            while let line = try queue.next() {
                model.add(line)
                calls += 1
            }
        }
        for number in 1...10 { try queue.put("line \(number)") }
        queue.close()
        try thread.wait()
        show("spawn with state of the main actor", model.lines.count == 10 && calls == 10)

        let server = try listen(on: "127.0.0.1:0")
        let address = try server.address
        spawn {
            try serve(server) { client, address in
                while let line = try client.readLine() {
                    model.add(line)
                    try client.write("\(line)\n")
                }
            }
        }
        let client = try connect(to: address)
        try client.write("hello\n")
        show("serve with state of the main actor", try client.readLine() == "hello" && model.lines.last == "hello")

        let hubs = try HubPool(count: 2)
        let message = Message(text: "hi")
        show("a function on another hub", try hubs[0].spawn { message.shout() }.wait() == "HI")
        let farServer = try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in try answer(client) }
        let other = try connect(to: farServer.address)
        try other.write("hello\n")
        show("a server on other hubs", try other.readLine() == "HELLO")
        hubs[1].spawn {
            Task { @MainActor in model.add("from another hub") }
        }
        while model.lines.last != "from another hub" { try GreenThread.yield() }
        show("a Task of the main actor from another hub", true)

        let done = Event<Int>()
        Task {
            try await Task.sleep(for: .milliseconds(1))
            model.add("task")
            await MainActor.run { try? done.send(model.lines.count) }
        }
        show("a Task of the main actor", try done.wait() == 13)

        show("main awaits an async function of the main actor", try awaiting { await countAsync() } == 11)
        let waiting = spawn { try awaiting { await countAsync() } }
        show("a green thread awaits an async function of the main actor", try waiting.wait() == 12)
    }
}
