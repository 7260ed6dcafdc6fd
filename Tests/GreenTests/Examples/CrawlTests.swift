import Glibc
import Green
import Testing

@Suite("green-crawl")
struct CrawlTests {
    /// A line of its output, without the time.
    private struct Line: Equatable, CustomStringConvertible {
        let status: String
        let size: String
        let rest: String

        init(_ status: Int, _ size: Int, _ rest: String) {
            (self.status, self.size, self.rest) = ("\(status)", "\(size)", rest)
        }

        init(_ text: String) {
            let parts = text.split(separator: " ", maxSplits: 5)
            status = String(parts.first ?? "")
            size = parts.count == 6 ? String(parts[1]) : text
            rest = parts.count == 6 && parts[2] == "B" && parts[4] == "ms" ? String(parts[5].drop { $0 == " " }) : text
        }

        var description: String { "\(status) \(size) \(rest)" }
    }

    /// Runs the program against a server, and returns the lines of its pages, its summary and its exit code.
    private func crawl(
        _ arguments: [String],
        _ server: WebServer
    ) throws -> (lines: [Line], summary: String, exitCode: Int32) {
        let program = try Program("green-crawl", arguments)
        let lines = try program.rest()
        let exitCode = try program.exitCode()
        try server.stop()
        return (lines.dropLast().map(Line.init), lines.last ?? "", exitCode)
    }

    @Test
    func `fetches pages concurrently, and prints them in the given order`() throws {
        try onHub { () throws in
            let fast = Event<Void>()
            let server = try WebServer { target in
                if target == "/slow" {
                    try fast.wait(timeout: .seconds(60))
                } else {
                    try fast.send()
                }
                return page("a page", status: target == "/slow" ? "200 OK" : "404 Not Found")
            }
            let (lines, summary, exitCode) = try crawl([server.url("/slow"), server.url("/fast?a=%20b")], server)
            #expect(lines == [Line(200, 6, server.url("/slow")), Line(404, 6, server.url("/fast?a=%20b"))])
            #expect(summary.hasPrefix("green-crawl: pages: 2, failed: 1, bytes: 12, in "), "\(summary)")
            #expect(exitCode == 1)
            #expect(server.targets.sorted() == ["/fast?a=%20b", "/slow"])
            #expect(server.requests.allSatisfy { $0.contains("Host: \(server.address)") })
        }
    }

    @Test
    func `limits the number of concurrent fetches`() throws {
        try onHub { () throws in
            let pairs = Queue<Void>(capacity: 0)
            var isSecond = true
            let server = try WebServer { _ in
                isSecond.toggle()
                if isSecond {
                    try pairs.get(timeout: .seconds(60))
                } else {
                    // Wait for a third request, which must not arrive.
                    try GreenThread.sleep(for: .milliseconds(5))
                    try pairs.put((), timeout: .seconds(60))
                }
                return page("x")
            }
            let urls = (1...6).map { server.url("/\($0)") }
            let (lines, _, exitCode) = try crawl(["--concurrency", "2"] + urls, server)
            #expect(lines == urls.map { Line(200, 1, $0) })
            #expect(server.most == 2)
            #expect(exitCode == 0)
        }
    }

    @Test
    func `reads a body whose end is given by a length, by chunks or by a close`() throws {
        let chunk = "1;name=\"value\"\r\nx\r\n"
        let answers: [(answer: String, size: Int)] = [
            (page("length"), 6),
            (page("", "Content-Length: 0"), 0),
            ("HTTP/1.0 200 OK\n\nto the end of the connection", 28),
            (
                "HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n02\r\n\r\n\r\n0\r\nX: y\r\n\r\n",
                12
            ),
            // The sizes of the chunks alone exceed the limit of a header.
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding:chunked\r\n\r\n"
                    + String(repeating: chunk, count: 10_000) + "0\r\n\r\n",
                10_000
            ),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + page("final"), 5),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 0),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\nX: folded\r\n\tfield\r\n\r\nabc", 3),
        ]
        try onHub { () throws in
            let server = try WebServer { answers[Int($0.dropFirst())!].answer }
            let urls = answers.indices.map { server.url("/\($0)") }
            let (lines, _, exitCode) = try crawl(urls, server)
            #expect(lines.map(\.size) == answers.map { "\($0.size)" })
            #expect(lines.map(\.rest) == urls)
            #expect(exitCode == 0)
        }
    }

    @Test
    func `explains an invalid response`() throws {
        let ok = "HTTP/1.1 200 OK\r\n"
        let answers: [(answer: String, complaint: String)] = [
            ("", "the connection ended before the end of the response"),
            (
                "SSH-2.0-OpenSSH\u{1B}[2J\r\n",
                #"the server does not speak HTTP/1.1: its response begins with "SSH-2.0-OpenSSH\u{1B}[2J""#
            ),
            (
                "HTTP/1.1 2000 OK\r\n\r\n",
                #"the server does not speak HTTP/1.1: its response begins with "HTTP/1.1 2000 OK""#
            ),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "the server switches to another protocol than HTTP"),
            ("\(ok)Content-Le", #""Content-Le" is not a line of an HTTP header"#),
            ("\(ok)Content-Length: 5\r\n", "the connection ended before the end of the response"),
            ("\(ok)Content-Length: 5\r\n\r\nabc", "the connection ended 2 bytes before the end of the response"),
            ("\(ok)Content-Length: -5\r\n\r\nabcde", #""-5" is not a Content-Length"#),
            ("\(ok)Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", #""5, 6" is not a Content-Length"#),
            ("\(ok)Content-Length: 99999999999999999999\r\n\r\n", #""99999999999999999999" is not a Content-Length"#),
            (
                "\(ok)Transfer-Encoding: gzip, chunked\r\n\r\n",
                #"transfer coding "gzip, chunked" was not requested"#
            ),
            ("\(ok)Transfer-Encoding: chunked\r\n\r\n-1\r\n", #""-1" is not the size of a chunk"#),
            (
                "\(ok)Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
                "a chunk of the response is longer than its size says"
            ),
            (
                "\(ok)Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                "the connection ended before the end of the response"
            ),
            (
                "\(ok)X: \(String(repeating: "x", count: 65536))\r\n\r\n",
                "the header of the response exceeds 65536 bytes"
            ),
            (
                String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 3000),
                "the header of the response exceeds 65536 bytes"
            ),
            (page("0123456789a"), "it exceeds the limit of 10 bytes"),
            ("\(ok)\r\n0123456789a", "it exceeds the limit of 10 bytes"),
            (
                "\(ok)Transfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\nab\r\n0\r\n\r\n",
                "it exceeds the limit of 10 bytes"
            ),
            ("\(ok)Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "it exceeds the limit of 10 bytes"),
        ]
        try onHub { () throws in
            let server = try WebServer { answers[Int($0.dropFirst())!].answer }
            let urls = answers.indices.map { server.url("/\($0)") }
            let (lines, summary, exitCode) = try crawl(["--limit", "10"] + urls, server)
            #expect(lines.map(\.rest) == zip(urls, answers).map { "\($0): \($1.complaint)" })
            #expect(lines.allSatisfy { $0.status == "---" })
            #expect(summary.hasPrefix("green-crawl: pages: \(answers.count), failed: \(answers.count), "), "\(summary)")
            #expect(exitCode == 1)
        }
    }

    @Test
    func `explains an invalid URL`() throws {
        let urls: [(url: String, complaint: String)] = [
            ("ftp://example.org/", "only http:// and https:// work, not ftp://"),
            ("example.org", "a URL must begin with http:// or https://"),
            ("localhost:80", "a URL must begin with http:// or https://"),
            ("http:///path", "it has no host"),
            ("http://me@example.org/", "user names in URLs are not sent"),
            ("http://example.org:0/", "':0' behind the host is not a port from 1 to 65535"),
            ("http://example.org:+1/", "':+1' behind the host is not a port from 1 to 65535"),
            ("http://[::1/", "'[::1' does not begin with a host name or a number"),
            ("http://a|b/", "'a|b' does not begin with a host name or a number"),
            ("http://example.org/a b", "a URL must be ASCII without spaces; percent-encode other characters"),
            ("http://example.org/\u{E4}", "a URL must be ASCII without spaces; percent-encode other characters"),
        ]
        try onHub { () throws in
            let program = try Program("green-crawl", urls.map(\.url))
            let lines = try program.rest().dropLast().map { Line($0).rest }
            #expect(lines == urls.map { "\($0.url): \($0.complaint)" })
            #expect(try program.exitCode() == 1)
        }
    }

    #if TLS
    @Test
    func `fetches over https from trusted servers only`() throws {
        try onHub { () throws in
            let answer: (Socket) throws -> Void = { client in
                while let line = try client.readLine(), !line.isEmpty, line != "\r" {}
                try client.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
            }
            try serving(Fixture.server(), answer) { address, _ in
                let trusting = try Program("green-crawl", "--ca", Fixture.path("authority.pem"), "https://\(address)/")
                #expect(try trusting.rest().first.map { Line($0) } == Line(200, 6, "https://\(address)/"))
                #expect(try trusting.exitCode() == 0)
                let strange = try Program("green-crawl", "https://\(address)/")
                #expect(try strange.rest().first?.contains("was rejected") == true)
                #expect(try strange.exitCode() == 1)
            }
        }
    }
    #endif

    @Test
    func `reports a refused connection, and continues`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let closed = try listener.address
            listener.close()
            let server = try WebServer { _ in page("x") }
            let (lines, _, exitCode) = try crawl(["http://\(closed)", server.url("")], server)
            #expect(
                lines.first?.rest.hasPrefix("http://\(closed): cannot connect to \(closed): Connection refused") == true
            )
            #expect(lines.last == Line(200, 1, server.url("")))
            #expect(server.targets == ["/"])
            #expect(exitCode == 1)
        }
    }

    @Test
    func `gives up a page at its time limit, and continues`() throws {
        try onHub { () throws in
            let never = Event<String>()
            let server = try WebServer { _ in try never.wait() }
            let urls = [server.url("/"), "ftp://example.org/"]
            let (lines, _, exitCode) = try crawl(["--concurrency", "1", "--timeout", "0.05"] + urls, server)
            #expect(lines.map(\.status) == ["---", "---"])
            #expect(lines.first?.rest == "\(urls[0]): it exceeds the time limit of 0.050 s")
            #expect(lines.last?.rest.contains("not ftp://") == true)
            #expect(exitCode == 1)
        }
    }

    @Test
    func `follows redirects up to the limit`() throws {
        try onHub { () throws in
            let server = try WebServer { target in
                switch target {
                case "/1/a": page("", status: "301 Moved Permanently", "Location: ../2?x#top")
                case "/2?x": page("", status: "307 Temporary Redirect", "Location: ?y")
                case "/2?y": page("found")
                case "/secure": page("", status: "302 Found", "Location: ftp://example.org/")
                case "/nowhere": page("", status: "301 Moved Permanently")
                default: page("", status: "303 See Other", "Location: \(target)")
                }
            }
            let urls = ["/1/a", "/secure", "/loop", "/nowhere"].map(server.url)
            let (lines, _, exitCode) = try crawl(["--redirects", "2"] + urls, server)
            #expect(
                lines.map(\.rest) == [
                    "\(urls[0]) -> \(server.url("/2?y"))",
                    "\(urls[1]): only http:// and https:// work, not ftp://",
                    "\(urls[2]): it redirects more than 2 times, now to \(urls[2])",
                    urls[3],
                ]
            )
            #expect(server.targets.filter { $0 == "/loop" }.count == 3)
            #expect(exitCode == 1)
        }
    }

    @Test
    func `follows links of the same site once each, up to a depth`() throws {
        let first = """
            <!doctype html><html><a href="/b">b</a> <A title='>' HREF = 'c.html?x=1&amp;y=2#part'>c</A><a href=/b>again</a>
            <!-- <a href="/hidden">no</a> --> <link href="/style"> <a>none</a> <a href="mailto:me@example.org">mail</a>
            <a href="https://example.org/">TLS</a> <a href="http://example.invalid/">far</a> <area href="./d/../d/">
            <a href="#here">here</a> <a href="/a b">space</a> <a href="/text"
            """
        let server = { (answers: [String: String]) in
            try WebServer { answers[$0].map { page($0, "Content-Type: text/html; charset=utf-8") } ?? page("none") }
        }
        let pages = [
            "/": first, "/b": "<a href=/>home</a><a href=/e>e</a>", "/c.html?x=1&y=2": "<base href=/f/><a href=g>g</a>",
            "/d/": "<a href=/b></a>", "/e": "<a href=/too-far>", "/f/g": "",
        ]
        try onHub { () throws in
            for (depth, targets) in [
                (0, ["/"]), (1, ["/", "/b", "/c.html?x=1&y=2", "/d/", "/text"]),
                (2, ["/", "/b", "/c.html?x=1&y=2", "/d/", "/text", "/e", "/f/g"]),
            ] {
                let server = try server(pages)
                let (lines, _, exitCode) = try crawl(["--depth", "\(depth)", server.url("/")], server)
                #expect(lines.map(\.rest) == targets.map(server.url))
                #expect(server.targets.sorted() == targets.sorted())
                #expect(exitCode == 0)
            }
        }
    }

    /// A response with a body in chunks of one byte.
    private func inPieces(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
            + body.unicodeScalars.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
    }

    @Test
    func `finds links in pages that arrive in pieces of any size`() throws {
        let first = """
            <!----><!doctype><a href="/1"><!-- <a href=/no> --- --><A\tID=x HREF='/2'>< a href=/no><!-x><a href=/3/><a =x href=
            "/4"/><area x href=/5?a=1&amp;b=2#c><abbr href=/no><a nohref=/no><a href=/6 href=/no><a hreF /no href=/7>
            <!--><a href="/8"><!-- - -- > <a href=/no>--><base href=/base/><a href='9'<a href="x
            """
        let targets = ["/", "/1", "/2", "/3/", "/4", "/5?a=1&b=2", "/6", "/7", "/8", "/base/9"]
        try onHub { () throws in
            for whole in [true, false] {
                let server = try WebServer { target in
                    guard target == "/" else { return page("") }
                    return whole ? page(first, "Content-Type: text/html") : inPieces(first)
                }
                let (lines, _, _) = try crawl(["--depth", "1", server.url("/")], server)
                #expect(lines.map(\.rest) == targets.map(server.url), "\(whole)")
            }
        }
    }

    @Test
    func `finishes hostile pages of half-open tags and long URLs`() throws {
        let pieces = [
            "<", "<a href=x", "<!--", "<!---", "<a href=\"", "<a b", "<a/", "<a href=/x>", "=", "<a a=",
            "<base href=x/>",
        ]
        let long = String(repeating: "x", count: 10_000)
        try onHub { () throws in
            let server = try WebServer { target in
                switch target {
                case "/long": page("", status: "302 Found", "Location: /\(long)")
                case "/longlink": page("<a href=/\(long)><a href=/end>", "Content-Type: text/html")
                default:
                    page(
                        Int(target.dropFirst()).map { String(repeating: pieces[$0], count: 50_000) } ?? "",
                        "Content-Type: text/html"
                    )
                }
            }
            let urls = pieces.indices.map { server.url("/\($0)") } + [server.url("/long"), server.url("/longlink")]
            let (lines, summary, _) = try crawl(
                ["--depth", "1", "--pages", "1", "--timeout", "600", "--limit", "\(Int.max)", "--concurrency", "4"]
                    + urls,
                server
            )
            #expect(lines.prefix(pieces.count).map(\.size) == pieces.map { "\($0.utf8.count * 50_000)" })
            #expect(lines[pieces.count].rest == "\(server.url("/long")): the URL exceeds 8192 bytes")
            #expect(lines.count == urls.count + 1, "\(summary)")
        }
    }

    @Test(arguments: ["limit", "redirects", "depth", "pages", "concurrency"])
    func `accepts the largest number for each option`(option: String) throws {
        try onHub { () throws in
            let server = try WebServer { target in
                target == "/" ? "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=/b>" : page("")
            }
            let (lines, _, exitCode) = try crawl(["--\(option)", "\(Int.max)", server.url("/")], server)
            #expect(lines.map(\.size) == (option == "depth" ? ["11", "0"] : ["11"]))
            #expect(exitCode == 0)
        }
    }

    @Test
    func `treats 'unix' as a host name`() throws {
        try onHub { () throws in
            let folder = FilePath("/tmp/green-crawl-\(UInt64.random(in: 0 ... .max))")
            try GreenDirectory.create(folder)
            let socket = try listen(on: "unix:\(folder)/80")
            let server = try WebServer { _ in page("", status: "302 Found", "Location: http://unix:80/") }
            let result = try run(
                FilePath(Program.folder + "/green-crawl"),
                arguments: [server.url("/"), "http://unix/"],
                environment: ["RES_OPTIONS": "timeout:1 attempts:1", "ASAN_OPTIONS": "detect_leaks=0"],
                workingDirectory: folder
            )
            #expect(
                result.text.split(separator: "\n").count { $0.contains(": cannot resolve 'unix'") } == 2,
                "\(result.text)"
            )
            #expect(try withTimeout(.zero, default: nil) { try socket.accept() } == nil)
            socket.close()
            try GreenDirectory.remove(folder)
            try server.stop()
        }
    }

    @Test
    func `ends with SIGPIPE when its output has no reader`() throws {
        try onHub { () throws in
            let pipe = try UnreadPipe(isFull: false)
            let program = try GreenProcess(
                FilePath(Program.folder + "/green-crawl"),
                arguments: ["ftp://example.org/"],
                output: .descriptor(pipe.end),
                error: .null
            )
            #expect(try program.wait() == .signaled(Signal(rawValue: SIGPIPE)))
        }
    }

    @Test
    func `stays on the site when a link redirects to another one`() throws {
        try onHub { () throws in
            let other = try WebServer { _ in page("<a href=/inside>", "Content-Type: text/html") }
            let server = try WebServer { target in
                target == "/"
                    ? page("<a href=/away>", "Content-Type: text/html")
                    : page("", status: "302 Found", "Location: \(other.url("/"))")
            }
            let (lines, _, _) = try crawl(["--depth", "3", server.url("/")], server)
            #expect(lines.map(\.rest) == [server.url("/"), "\(server.url("/away")) -> \(other.url("/"))"])
            #expect(other.targets == ["/"])
            try other.stop()
        }
    }

    @Test
    func `takes URLs from a file, and an IPv6 address`() throws {
        try onHub { () throws in
            let server = try WebServer(on: "[::1]:0") { _ in page("x") }
            let list = try TemporaryFile("\(server.url("/1"))\r\n\n  \(server.url("/2"))")
            let (lines, _, exitCode) = try crawl([server.url("/0"), "--file", list.path], server)
            #expect(lines == ["/0", "/1", "/2"].map { Line(200, 1, server.url($0)) })
            #expect(server.requests.allSatisfy { $0.contains("Host: \(server.address)") })
            #expect(exitCode == 0)
        }
    }

    @Test
    func `shows its progress on a terminal`() throws {
        try onHub { () throws in
            let answer = Event<Void>()
            let server = try WebServer { _ in
                try answer.wait()
                return page("x")
            }
            let program = try Program("green-crawl", [server.url("/")], onTerminal: true)
            var text = ""
            while !text.hasSuffix("\r\u{1B}[K0/1 done, 1 running, 0 kB/s") {
                let bytes = try program.output.read(upTo: 1000)
                try #require(!bytes.isEmpty, "\(text)")
                text += String(decoding: bytes, as: UTF8.self)
            }
            try answer.send()
            let lines = try program.rest()
            let last = try #require(lines.last)
            #expect(lines.count == 2)
            #expect(lines[0].contains("\r\u{1B}[K200 "), "\(lines)")
            #expect(last.hasPrefix("\r\u{1B}[K1/1 done, 0 running, "), "\(last)")
            #expect(last.contains("\r\u{1B}[Kgreen-crawl: pages: 1, failed: 0, bytes: 1, in "), "\(last)")
            #expect(try program.exitCode() == 0)
            try server.stop()
        }
    }

    @Test
    func `prints its usage`() throws {
        try onHub { () throws in
            let bare = try Program("green-crawl")
            let lines = try bare.rest()
            #expect(lines.first == "green-crawl: missing URL")
            #expect(lines.contains { $0.hasPrefix("usage: green-crawl") })
            #expect(try bare.exitCode() == 2)
            let missing = try Program("green-crawl", "--file", "/nowhere/list")
            #expect(try missing.rest().last == "green-crawl: cannot open /nowhere/list: No such file or directory")
            #expect(try missing.exitCode() == 1)
        }
    }
}
