import Green
import Testing

@Suite("A socket address")
struct AddressTests {
    @Test(arguments: [
        "127.0.0.1:6000", "0.0.0.0:0", "[::1]:6000", "[2001:db8::1]:65535", "unix:/tmp/green.socket", "unix:@green",
    ])
    func `prints the text that it was parsed from`(text: String) throws {
        #expect(try SocketAddress(parsing: text).description == text)
        #expect(SocketAddress(text)?.description == text)
    }

    @Test
    func `has parts`() throws {
        let four = try SocketAddress(host: "10.1.2.3", port: 80)
        #expect((four.family, four.host, four.port, four.unixPath) == (.ipv4, "10.1.2.3", 80, nil))
        let six = try SocketAddress(host: "::1", port: 81)
        #expect((six.family, six.host, six.port, six.unixPath) == (.ipv6, "::1", 81, nil))
        let unix = try SocketAddress(unixPath: "/tmp/x")
        #expect((unix.family, unix.host, unix.port, unix.unixPath) == (.unix, nil, nil, "/tmp/x"))
        #expect(SocketAddress.loopback(port: 7).description == "127.0.0.1:7")
        #expect(SocketAddress.any(port: 7) == SocketAddress(":7"))
    }

    @Test
    func `is a key`() throws {
        let addresses = try ["127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "unix:/a", "unix:/b", "127.0.0.1:1"]
            .map(SocketAddress.init(parsing:))
        #expect(Set(addresses).count == 5)
        #expect(addresses.first == addresses.last)
        #expect(addresses.first?.hashValue == addresses.last?.hashValue)
    }

    @Test(arguments: [
        ("127.0.0.1", "the port is missing"), ("127.0.0.1:99999", "'99999' is not a port"),
        ("127.0.0.1:http", "'http' is not a port"), ("::1:80", "needs brackets"), ("[::1:80", "the ']' is missing"),
        ("[zz]:80", "not an IPv6 address"), ("example.org:80", "not an IPv4 address"), ("unix:", "the path is missing"),
    ])
    func `that is invalid is refused with the reason`(text: String, reason: String) throws {
        let error = try #require(failure { try SocketAddress(parsing: text) })
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(reason) && error.message.contains(text), "\(error)")
        #expect(SocketAddress(text) == nil)
    }

    @Test
    func `of a unix path that is too long is refused`() {
        let path = "/" + String(repeating: "x", count: 200)
        #expect(failure { try SocketAddress(unixPath: path) }?.code == .fileNameTooLong)
    }

    @Test
    func `is found by name`() throws {
        try onHub { () throws in
            let found = try SocketAddress.resolve("localhost:80")
            #expect(!found.isEmpty)
            #expect(found.allSatisfy { $0.port == 80 && ["127.0.0.1", "::1"].contains($0.host) })
            #expect(try SocketAddress.resolve("127.0.0.1:5", timeout: .zero) == [.loopback(port: 5)])
            #expect(failure { try SocketAddress.resolve("no port") }?.code == .invalidArgument)
        }
    }
}
