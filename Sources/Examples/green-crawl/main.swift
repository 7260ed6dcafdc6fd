// Fetches pages, many at a time.
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

            Fetches pages by http and https and prints a line for each, in the order they are given: the status, the size,
            the time it took, and the URL, with what went wrong. "-" in place of a URL is standard input, with a URL on
            each line. The exit code is 1 when there was an error, or a status from 400 on.

              --concurrency N   how many pages to fetch at one time (16)
              --timeout S       seconds that one page may take (30)
              --redirects N     how many redirects to follow for one page (5)
              --depth N         fetch also what the pages link to on their own site, so many links away (0)
              --pages N         maximum number of linked pages to fetch (10000)
              --limit BYTES     the largest page to take (16777216)
              --file FILE       takes URLs from a file, one from each line
              --ca FILE         whom to trust by https, a file of authorities (the system's)
            """
    )
    var sources = options.operands.map { $0 == "-" ? Addresses.Source.file($0) : .url($0) }
    sources += [options["file"]].compactMap { $0.map(Addresses.Source.file) }
    guard !sources.isEmpty else { options.end(2, "there is no URL") }
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
