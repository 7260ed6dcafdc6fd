import Green
import Testing

@Suite("green-chat")
struct ChatTests {
    /// A port that was free a moment ago: the chat takes a number above 0 only.
    private func freePort() throws -> String {
        let listener = try listen(on: "127.0.0.1:0")
        defer { listener.close() }
        return try "\(listener.address.port ?? 0)"
    }

    private func enter(_ address: SocketAddress, as name: String) throws -> Socket {
        let socket = try connect(to: address)
        socket.readTimeout = .seconds(60)
        let question = try socket.readExactly("Your name? ".utf8.count)
        #expect(question == Array("Your name? ".utf8))
        try socket.write("\(name)\n")
        return socket
    }

    @Test
    func `tells all others who comes, what is said and who goes`() throws {
        try onHub { () throws in
            let program = try Program("green-chat", "--port", freePort())
            let address = try program.address()
            let ada = try enter(address, as: "Ada")
            let ben = try enter(address, as: "Ben")
            #expect(try ada.readLine() == "* Ben has joined")
            try ada.write("hello\n")
            #expect(try ben.readLine() == "Ada: hello")
            try ben.write("hi\r\nthere\n")
            #expect(try ada.readLine() == "Ben: hi")
            #expect(try ada.readLine() == "Ben: there")
            let impostor = try enter(address, as: "Ada")
            #expect(try impostor.readLine() == "There is a Ada already.")
            #expect(try impostor.readLine() == nil)
            ben.close()
            #expect(try ada.readLine() == "* Ben has left")
        }
    }
}
