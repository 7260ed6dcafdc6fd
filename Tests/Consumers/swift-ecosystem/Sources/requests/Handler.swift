import Green
import Tracing

/// Serves requests. Each blocks at several points, and takes a step after each of them.
struct Handler: Sendable {
    static let steps = [
        "begins", "has met the others", "slept", "asked its client", "spawned", "ran on another hub",
        "offloaded", "is a Task", "is a thread of the Task", "passed a message", "ends",
    ]

    /// Where requests wait until all have begun, so that all of them are interleaved.
    let gate: Gate
    let hubs: HubPool
    let messages: Channel<Message>

    func serve(_ client: Socket) throws {
        guard let line = try client.readLine(), let id = Int(line) else { return }
        try RequestID.bind(id) {
            try step("begins", of: id)
            try gate.pass()
            try step("has met the others", of: id)
            try GreenThread.sleep(for: .microseconds(id % 1000))
            try step("slept", of: id)
            try client.write("\(id)\n")
            guard try client.readLine() == "\(id)" else { return }
            try step("asked its client", of: id)
            try spawn { try step("spawned", of: id) }.wait()
            try hubs.next().spawn { try step("ran on another hub", of: id) }.wait()
            try offload { try step("offloaded", of: id) }
            try awaiting {
                await Task.yield()
                try step("is a Task", of: id)
                try await withGreenThread { try step("is a thread of the Task", of: id) }
            }
            try pass(id)
            try step("ends", of: id)
        }
        try client.write("done\n")
    }

    /// A thread that exists already has the context of no request. So the message contains it.
    private func pass(_ id: Int) throws {
        let answer = Promise<Int?>()
        try messages.send(Message(context: ServiceContext.current, id: id, answer: answer))
        guard try answer.wait() == id else { throw Mixed(step: "message", id: id, bound: nil, context: nil) }
        try step("passed a message", of: id)
    }
}

/// A message with the context of its sender.
struct Message: Sendable {
    let context: ServiceContext?
    let id: Int
    let answer: Promise<Int?>
}

/// Receives messages, and answers each in the context of its sender.
func receive(_ messages: Channel<Message>) throws {
    while let message = try messages.next() {
        try ServiceContext.$current.withValue(message.context) {
            try GreenThread.yield()
            try message.answer.send(ServiceContext.current?.requestID)
        }
    }
}
