import Green
import Testing

@Suite("green-curl")
struct CurlTests {
    @Test(.enabled(if: isInstalled("libcurl.so.4"), "libcurl is not installed"))
    func `fetches pages concurrently, and prints them in the given order`() throws {
        try onHub { () throws in
            let all = Event<Void>()
            var here = 0
            let server = try WebServer { target in
                here += 1
                if here == 3 {
                    try all.send()
                }
                try all.wait(timeout: .seconds(60))
                return page(target, status: target == "/lost" ? "404 Not Found" : "200 OK")
            }
            let program = try Program("green-curl", server.url("/a"), server.url("/lost"), server.url("/abc"))
            let lines = try program.rest()
            #expect(lines.count == 4, "\(lines)")
            #expect(lines.first?.hasPrefix("200         2 B ") == true && lines.first?.hasSuffix("/a") == true)
            #expect(lines.dropFirst().first?.hasPrefix("404         5 B ") == true)
            #expect(lines.dropFirst(2).first?.hasPrefix("200         4 B ") == true)
            #expect(lines.last?.hasPrefix("green-curl: pages: 3, failed: 1, in ") == true, "\(lines)")
            #expect(try program.exitCode() == 1)
            try server.stop()
        }
    }

    @Test
    func `reports the error of libcurl, or that there is no libcurl`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let address = try listener.address
            listener.close()
            let program = try Program("green-curl", "http://\(address)/")
            let lines = try program.rest()
            let complaint = isInstalled("libcurl.so.4") ? "/: Couldn't connect to server" : "libcurl.so.4"
            #expect(lines.first?.contains(complaint) == true, "\(lines)")
            #expect(try program.exitCode() == 1)
        }
    }

    @Test(.enabled(if: isInstalled("libcurl.so.4"), "libcurl is not installed"))
    func `fetches by http and https only`() throws {
        try onHub { () throws in
            let program = try Program("green-curl", "file:///etc/hostname")
            #expect(try program.rest().first?.hasSuffix("/etc/hostname: Unsupported protocol") == true)
            #expect(try program.exitCode() == 1)
        }
    }

    @Test
    func `prints its usage`() throws {
        try onHub { () throws in
            let bare = try Program("green-curl")
            let lines = try bare.rest()
            #expect(lines.first == "green-curl: missing URL")
            #expect(lines.contains { $0.hasPrefix("usage: green-curl") })
            #expect(try bare.exitCode() == 2)
            let help = try Program("green-curl", "--help")
            #expect(try help.rest().first?.hasPrefix("usage: green-curl") == true)
            #expect(try help.exitCode() == 0)
        }
    }
}
