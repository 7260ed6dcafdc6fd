// A chat server for nc: every line of a member is sent to the others, on whichever hub they are.
import Green
import GreenExampleSupport
import Synchronization

/// A member of the room. It belongs to one hub.
final class Member {
    let name: String
    /// The number of lines that were said before it entered.
    fileprivate(set) var missed = 0
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

/// A line that a member has said.
struct Line {
    let number: Int
    let text: String
    let sender: String
}

/// The members on one hub. No lock is needed: other threads of the hub run only in blocking calls, and there are none
/// here.
final class Table {
    private var members: [String: Member] = [:]

    /// Sends a line to the members that entered before it was said.
    func pass(_ line: Line) {
        for member in members.values where member.name != line.sender && member.missed < line.number {
            member.send(line.text)
        }
    }

    func seat(_ member: Member) {
        members[member.name] = member
    }

    func remove(_ member: Member) {
        members[member.name] = nil
    }
}

/// What the hubs share: the names, and a channel of lines to each hub.
final class Room: Sendable {
    private struct State {
        var names: Set<String> = []
        /// The number of lines so far.
        var said = 0
    }

    private let state = Mutex(State())
    private let tables = HubLocal { Table() }
    private let channels: [Channel<Line>]

    init(_ hubs: HubPool) {
        channels = hubs.map { _ in Channel() }
        for (hub, channel) in zip(hubs, channels) {
            hub.detach(name: "lines") { [tables] in
                let table = try tables.here
                while let line = try channel.next() {
                    table.pass(line)
                }
            }
        }
    }

    /// Does not block: the channels are unbounded.
    func say(_ text: String, from member: Member) {
        let number = state.withLock { state in
            state.said += 1
            return state.said
        }
        for channel in channels {
            _ = try? channel.trySend(Line(number: number, text: text, sender: member.name))
        }
    }

    /// Lets a member in for as long as the body runs. Returns false if the name is taken.
    func withMember(_ member: Member, _ body: () throws -> Void) throws -> Bool {
        let table = try tables.here
        let count = state.withLock { state in
            member.missed = state.said
            return state.names.insert(member.name).inserted ? state.names.count : 0
        }
        guard count > 0 else { return false }
        table.seat(member)
        defer {
            table.remove(member)
            state.withLock { _ = $0.names.remove(member.name) }
            say("* \(member.name) has left", from: member)
        }
        say("* \(member.name) has joined", from: member)
        member.send("* members: \(count)")
        try body()
        return true
    }
}

func chat() throws {
    let options = Options(
        "host",
        "port",
        "hubs",
        "concurrency",
        "idle",
        usage: """
            usage: green-chat [OPTION VALUE]...

            A chat server: connect with nc, enter a name, and chat.

              --host HOST      host name or address to listen on (127.0.0.1)
              --port N         port to listen on; 0 selects a free one (6001)
              --hubs N         number of hubs, each with an OS thread of its own (1)
              --concurrency N  maximum number of members (10000), divided among the hubs; a new one replaces the one
                               silent for longest
              --idle S         seconds after which a silent member is dropped (3600)
            """
    )
    let service = try Service(options, idle: .seconds(3600))
    let room = Room(service.hubs)
    let server = try service.start(on: options.address(defaultPort: 6001), options) { client in
        let socket = client.socket
        guard let name = try withTimeout(.seconds(60), { try askName(socket) }) else { return }
        let member = Member(name: name, socket: socket)
        let entered = try room.withMember(member) {
            while let line = try socket.readLine(limit: 4096) {
                client.touch()
                room.say("\(name): \(line.printable)", from: member)
                // Limits the rate of each member.
                try GreenThread.sleep(for: .milliseconds(20))
            }
        }
        if !entered {
            try socket.write("The name \(name) is taken.\n")
        }
    }
    log("listening on \(server.address)")
    try service.wait(for: server)
}

/// Asks for a name, and escapes its control characters.
func askName(_ socket: Socket) throws -> String? {
    try socket.write("Your name? ")
    let name = try socket.readLine(limit: 100)?.printable
    return name?.allSatisfy(\.isWhitespace) == false ? name : nil
}

run(chat)
