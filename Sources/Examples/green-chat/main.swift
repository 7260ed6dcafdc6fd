// A chat server for nc: every line of a member is sent to the others.
import Green
import GreenExampleSupport

/// A member of the room.
final class Member {
    let name: String
    private let socket: Socket
    private var unsent: [String] = []

    init(name: String, socket: Socket) {
        self.name = name
        self.socket = socket
    }

    /// Sends a line without blocking: a thread writes the unsent lines. A member that does not read is disconnected.
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

/// The members. No lock is needed: other threads run only in blocking calls, and there are none here.
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
    let options = Options(
        "host",
        "port",
        "concurrency",
        "idle",
        usage: """
            usage: green-chat [OPTION VALUE]...

            A chat server: connect with nc, enter a name, and chat.

              --host HOST      host name or address to listen on (127.0.0.1)
              --port N         port to listen on; 0 selects a free one (6001)
              --concurrency N  maximum number of members (10000); a new one replaces the one silent for longest
              --idle S         seconds after which a silent member is dropped (3600)
            """
    )
    let clients = Clients(
        limit: options["concurrency", default: 10_000],
        idle: options["idle", default: .seconds(3600)]
    )
    let listener = try options.listen(host: options["host"] ?? "127.0.0.1", port: options["port", default: 6001])
    log("listening on \(try listener.address)")
    let room = Room()

    try clients.serve(listener) { client in
        let socket = client.socket
        guard let name = try withTimeout(.seconds(60), { try askName(socket) }) else { return }
        let member = Member(name: name, socket: socket)
        guard room.enter(member) else { return try socket.write("The name \(name) is taken.\n") }
        defer { room.leave(member) }
        while let line = try socket.readLine(limit: 4096) {
            client.touch()
            room.say("\(name): \(line.printable)", from: member)
            // Limits the rate of each member.
            try GreenThread.sleep(for: .milliseconds(20))
        }
    }
}

/// Asks for a name, and escapes its control characters.
func askName(_ socket: Socket) throws -> String? {
    try socket.write("Your name? ")
    let name = try socket.readLine(limit: 100)?.printable
    return name?.allSatisfy(\.isWhitespace) == false ? name : nil
}

run(chat)
