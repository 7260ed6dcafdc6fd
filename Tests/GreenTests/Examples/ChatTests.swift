import Green
import Testing

@Suite("green-chat")
struct ChatTests {
    /// Connects, and gives a name.
    private func give(_ name: String, to address: SocketAddress) throws -> Socket {
        let socket = try connect(to: address)
        socket.readTimeout = .seconds(60)
        let question = try socket.readExactly("Your name? ".utf8.count)
        #expect(question == Array("Your name? ".utf8))
        try socket.write("\(name)\n")
        return socket
    }

    /// Connects, and waits until the member has entered.
    private func enter(_ address: SocketAddress, as name: String) throws -> Socket {
        let socket = try give(name, to: address)
        let welcome = try socket.readLine()
        #expect(welcome?.hasPrefix("* members: ") == true, "\(String(describing: welcome))")
        return socket
    }

    @Test
    func `announces joins and leaves, and sends each line to all others`() throws {
        try onHub { () throws in
            let program = try Program("green-chat", "--port", "0")
            let address = try program.address()
            let ada = try enter(address, as: "Ada")
            let ben = try enter(address, as: "Ben")
            #expect(try ada.readLine() == "* Ben has joined")
            try ada.write("hello\n")
            #expect(try ben.readLine() == "Ada: hello")
            try ben.write("hi\r\nthere\n")
            #expect(try ada.readLine() == "Ben: hi")
            #expect(try ada.readLine() == "Ben: there")
            let impostor = try give("Ada", to: address)
            #expect(try impostor.readLine() == "The name Ada is taken.")
            #expect(try impostor.readLine() == nil)
            ben.close()
            #expect(try ada.readLine() == "* Ben has left")
        }
    }

    @Test
    func `escapes control characters, and refuses a blank name`() throws {
        try onHub { () throws in
            let program = try Program("green-chat", "--port", "0")
            let address = try program.address()
            let ada = try enter(address, as: "Ada")
            let ben = try enter(address, as: "Ben\u{1B}[2J")
            #expect(try ada.readLine() == #"* Ben\u{1B}[2J has joined"#)
            try ben.write("tab\tBEL\u{7}CSI\u{9B}31m\u{202E}back\rgr\u{FC}n \u{2028}\n")
            #expect(
                try ada.readLine()
                    == #"Ben\u{1B}[2J: tab\#tBEL\u{7}CSI\u{9B}31m\u{202E}back\u{D}gr"# + "\u{FC}n " + #"\u{2028}"#
            )
            let nameless = try give(" ", to: address)
            #expect(try nameless.readLine() == nil)
        }
    }

    @Test
    func `drops a member that is silent or sends a line that is too long`() throws {
        try onHub { () throws in
            let quick = try Program("green-chat", "--port", "0", "--idle", "0.05")
            let silent = try enter(quick.address(), as: "Ada")
            #expect(try silent.readLine() == nil)
            let program = try Program("green-chat", "--port", "0")
            let loud = try enter(program.address(), as: "Ada")
            try loud.write(String(repeating: "x", count: 5000))
            #expect(throws: (any Error).self) {
                guard try loud.readLine() != nil else { throw Mistake(number: 1) }
            }
            let said = try program.output.readLine() ?? ""
            #expect(said.contains("a line of more than 4096 bytes"), "\(said)")
        }
    }

    @Test
    func `sends each line to the members on all hubs`() throws {
        try onHub { () throws in
            // A hub takes half of them and an impostor. If one got more, it would drop the member that was silent for
            // longest.
            let count = 16
            let program = try Program("green-chat", "--port", "0", "--hubs", "2", "--concurrency", "\(count + 2)")
            let address = try program.address()
            let members = try (0..<count).map { number in
                let member = try give("m\(number)", to: address)
                #expect(try member.readLine() == "* members: \(number + 1)")
                return member
            }
            for number in 0..<2 {
                let impostor = try give("m\(number)", to: address)
                #expect(try impostor.readLine() == "The name m\(number) is taken.")
            }
            for (number, member) in members.enumerated() {
                try member.write("hello from m\(number)\n")
            }
            for (number, member) in members.enumerated() {
                for later in number + 1..<count {
                    #expect(try member.readLine() == "* m\(later) has joined")
                }
                let lines = try (1..<count).map { _ in try member.readLine() ?? "" }
                let others = (0..<count).filter { $0 != number }
                #expect(Set(lines) == Set(others.map { "m\($0): hello from m\($0)" }))
            }
            members[0].close()
            for member in members[1...] {
                #expect(try member.readLine() == "* m0 has left")
            }
        }
    }

    @Test
    func `keeps the order of a member's lines on all hubs`() throws {
        try onHub { () throws in
            let program = try Program("green-chat", "--port", "0", "--hubs", "2", "--concurrency", "2")
            let address = try program.address()
            let ada = try enter(address, as: "Ada")
            let ben = try enter(address, as: "Ben")
            #expect(try ada.readLine() == "* Ben has joined")
            try ada.write((0..<20).map { "\($0)\n" }.joined())
            for number in 0..<20 {
                #expect(try ben.readLine() == "Ada: \(number)")
            }
        }
    }
}
