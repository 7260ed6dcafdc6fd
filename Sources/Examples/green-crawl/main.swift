// Fetches pages concurrently.
import Glibc
import Green
import GreenExampleSupport

func crawl() throws {
    let options = Options(
        "concurrency",
        "timeout",
        "redirects",
        "depth",
        "pages",
        "limit",
        "file",
        "ca",
        takesOperands: true,
        usage: """
            usage: green-crawl [OPTION VALUE]... URL...

            Fetches pages by http and https. Prints a line for each page, in the order of the URLs: the status, the
            size, the time, the URL and an error. The URL "-" reads standard input, with a URL on each line. The exit
            code is 1 if a page has an error or a status of at least 400.

              --concurrency N   maximum number of pages to fetch at the same time (16)
              --timeout S       time limit for a page in seconds (30)
              --redirects N     maximum number of redirects for a page (5)
              --depth N         also fetch pages of the same site that are up to N links away (0)
              --pages N         maximum number of linked pages to fetch (10000)
              --limit BYTES     maximum size of a page (16777216)
              --file FILE       read URLs from a file, one on each line
              --ca FILE         file with the trusted authorities for https (the system's)
            """
    )
    var sources = options.operands.map { $0 == "-" ? Addresses.Source.file($0) : .url($0) }
    sources += [options["file"]].compactMap { $0.map(Addresses.Source.file) }
    guard !sources.isEmpty else { options.end(2, "missing URL") }
    let progress = Progress()
    let fetcher = Fetcher(
        redirects: options["redirects", default: 5, atLeast: 0],
        limit: options["limit", default: 16 << 20],
        open: try connecting(trusting: options["ca"]),
        progress: progress
    )
    let crawl = Crawl(
        fetcher,
        concurrency: options["concurrency", default: 16],
        timeout: options["timeout", default: .seconds(30)],
        pages: options["pages", default: 10_000, atLeast: 0],
        progress: progress
    )
    let depth = options["depth", default: 0, atLeast: 0]

    progress.begin()
    let result = Result { try crawl.run(Addresses(sources, progress: progress), depth: depth) }
    try progress.end()
    try result.get()
    finish(progress.failed > 0 ? 1 : 0)
}

run(crawl)
