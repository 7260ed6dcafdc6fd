import Glibc
import Green
import Testing

@Suite("Listening")
struct ListenTests {
    @Test
    func `on a port that is in use says what to do`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            let error = try #require(failure { try listen(on: address) })
            #expect(error.code == .addressInUse)
            #expect(error.message.contains("cannot listen on \(address)"), "\(error)")
            #expect(error.message.contains("port 0"), "\(error)")
            listener.close()
            _ = try listen(on: "\(address)", backlog: 10, reuseAddress: true)
        }
    }

    @Test
    func `may share a port with reusePort`() throws {
        try onHub { () throws in
            let first = try listen(on: "127.0.0.1:0", reusePort: true)
            let second = try listen(on: first.address, reusePort: true)
            #expect(try first.address == second.address)
            #expect(failure { try listen(on: first.address) }?.code == .addressInUse)
        }
    }

    @Test
    func `with ipv6Only leaves the port free for IPv4`() throws {
        try onHub { () throws in
            guard let listener = try? listen(on: "[::]:0", ipv6Only: true) else { return }  // no IPv6 here
            var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            let descriptor = try listener.fileDescriptor.rawValue
            #expect(unsafe getsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &value, &size) == 0)
            #expect(value == 1)
        }
    }

    @Test
    func `removes its own socket file, and no other's`() throws {
        try onHub { () throws in
            let path = "/tmp/green-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            let first = try listen(on: "unix:\(path)")
            unsafe unlink(path)
            let second = try listen(on: "unix:\(path)")
            first.close()
            _ = try connect(to: "unix:\(path)")
            second.close()
            #expect(failure { try connect(to: "unix:\(path)") }?.code == .noSuchFileOrDirectory)
        }
    }

    @Test
    func `on an address of another machine is an error`() throws {
        try onHub { () throws in
            #expect(failure { try listen(on: "203.0.113.1:0") }?.code == .addressNotAvailable)
            #expect(failure { try listen(on: "127.0.0.1") }?.code == .invalidArgument)
        }
    }

    @Test
    func `works with an adopted descriptor`() throws {
        try onHub { () throws in
            let original = try listen(on: "127.0.0.1:0")
            let listener = try Listener(adopting: original.fileDescriptor.duplicate())
            original.close()
            let client = try connect(to: listener.address)
            let server = try listener.accept()
            try server.write("hello\n")
            #expect(try client.readLine() == "hello")
        }
    }

    @Test
    func `wakes a thread in accept when it is closed`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let thread = spawn { _ = try listener.accept() }
            try settle()
            listener.close()
            #expect(failure { try thread.wait() }?.code == .badFileDescriptor)
            #expect(failure { try listener.fileDescriptor }?.code == .badFileDescriptor)
        }
    }
}
