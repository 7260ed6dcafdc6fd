import Glibc
import Green
import Testing

@Suite("Socket options")
struct OptionTests {
    @Test
    func `return the values that were set`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let client = try connect(to: listener.address)
            #expect(try client.option(.noDelay))
            try client.setOption(.noDelay, to: false)
            #expect(try !client.option(.noDelay))
            #expect(try !client.option(.keepAlive))
            try client.setOption(.keepAlive, to: true)
            #expect(try client.option(.keepAlive))
            try client.setOption(.receiveBufferSize, to: 65536)
            #expect(try client.option(.receiveBufferSize) >= 65536)
        }
    }

    @Test
    func `may be named by their numbers`() throws {
        try onHub { () throws in
            let (left, _) = try Socket.pair()
            let kind = SocketOption<Int>(level: SOL_SOCKET, name: SO_TYPE)
            #expect(try left.option(kind) == Int(SOCK_STREAM.rawValue))
            #expect(kind == SocketOption<Int>(level: SOL_SOCKET, name: SO_TYPE))
            #expect(failure { try left.option(SocketOption<Int>(level: -1, name: -1)) } != nil)
            #expect(failure { try left.setOption(.noDelay, to: true) } != nil, "a unix socket has none")
        }
    }
}
