import Green

/// A fetched page.
struct Page {
    /// Its URL, after redirects.
    let url: URL
    let status: Int
    /// The size of the body in bytes.
    let size: Int
    /// The links on the page, if they were requested and the page is HTML.
    let links: [URL]
}

/// Fetches pages, each over a new connection.
struct Fetcher {
    /// The maximum number of redirects for a page.
    let redirects: Int
    /// The maximum size of a body in bytes.
    let limit: Int
    /// Connects to the server of a page.
    let open: (URL) throws -> Socket
    /// Counts the received bytes.
    let progress: Progress

    /// Fetches a page. Blocks until it is complete.
    func fetch(_ url: URL, findingLinks: Bool) throws -> Page {
        var url = url
        for _ in 0...redirects {
            switch try ask(url, findingLinks: findingLinks) {
            case .page(let page): return page
            case .redirect(let target): url = target
            }
        }
        throw CrawlError("it redirects more than \(redirects) times, now to \(url)")
    }

    private enum Answer {
        case page(Page)
        case redirect(URL)
    }

    private func ask(_ url: URL, findingLinks: Bool) throws -> Answer {
        let socket = try open(url)
        defer { socket.close() }
        let request = """
            GET \(url.target) HTTP/1.1\r
            Host: \(url.authority)\r
            User-Agent: green-crawl\r
            Accept: */*\r
            Accept-Encoding: identity\r
            Connection: close\r
            \r

            """
        try socket.write(request)
        var lines = HTTPLines(socket)
        let head = try HTTPHead.read(from: &lines)
        if [301, 302, 303, 307, 308].contains(head.status), let target = head["location"] {
            return .redirect(try url.resolving(target))
        }
        let hasLinks = findingLinks && head["content-type"]?.lowercased().hasPrefix("text/html") == true
        var links = Links(at: url)
        var body = try HTTPBody(of: head, from: lines, limit: limit)
        try body.read { piece in
            progress.bytes += piece.byteCount
            if hasLinks {
                try links.scan(piece)
            }
        }
        links.finish()
        return .page(Page(url: url, status: head.status, size: body.size, links: links.found))
    }
}
