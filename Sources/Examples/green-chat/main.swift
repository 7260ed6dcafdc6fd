// A chat for people with nc: what one says, the others read.
import Green
import GreenExampleSupport

/// Somebody in the room.
final class Member {
    let name: String
    private let socket: Socket
    private var unsent: [String] = []

    init(name: String, socket: Socket) {
        self.name = name
        self.socket = socket
    }

    /// Sends a line without waiting: a thread writes as long as there is something to write. Who does not read what
    /// the others say has to go.
    func send(_ line: String) {
        unsent.append(line)
        guard unsent.count < 1000 else { return socket.close() }
        guard unsent.count == 1 else { return }
        detach(name: "to \(name)") { [self] in
            while let line = unsent.first {
                guard (try? socket.write("\(line)\n")) != nil else { return socket.close() }
                unsent.removeFirst()
            }
        }
    }
}

/// All who are there. No lock is needed: only blocking calls let another thread run, and there are none in here.
final class Room {
    private var members: [String: Member] = [:]

    func say(_ line: String, from sender: Member) {
        for member in members.values where member !== sender {
            member.send(line)
        }
    }

    func enter(_ member: Member) -> Bool {
        guard members[member.name] == nil else { return false }
        members[member.name] = member
        say("* \(member.name) has joined", from: member)
        return true
    }

    func leave(_ member: Member) {
        members[member.name] = nil
        say("* \(member.name) has left", from: member)
    }
}

func chat() throws {
    let usage = "usage: green-chat [--port 6001]\n\nA chat: connect with nc, say your name, and talk."
    let options = Options("port", usage: usage)
    let listener = try listen(on: "127.0.0.1:\(options["port"] ?? "6001")")
    say("listening on \(try listener.address)")
    let room = Room()

    try serve(listener, onError: { say("a client: \($0)") }) { client, _ in
        try client.write("Your name? ")
        guard let name = try client.readLine(limit: 32), !name.isEmpty else { return }
        let member = Member(name: name, socket: client)
        guard room.enter(member) else { return try client.write("There is a \(name) already.\n") }
        defer { room.leave(member) }
        while let line = try client.readLine() {
            room.say("\(name): \(line)", from: member)
        }
    }
}

run(chat)
