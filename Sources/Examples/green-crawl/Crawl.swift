import Green
import GreenExampleSupport

/// Fetches pages concurrently, and prints a line for each in the order they were requested.
final class Crawl {
    private let pool: GreenPool
    private let fetcher: Fetcher
    private let timeout: Duration
    private let progress: Progress
    /// Pages that need not be fetched again.
    private var known: Set<URL> = []
    /// The number of linked pages that may still be fetched.
    private var left: Int

    /// - Parameters:
    ///   - concurrency: The maximum number of pages to fetch at the same time.
    ///   - timeout: The time limit for a page, including its redirects.
    ///   - pages: The maximum number of linked pages to fetch.
    init(_ fetcher: Fetcher, concurrency: Int, timeout: Duration, pages: Int, progress: Progress) {
        left = pages
        pool = GreenPool(size: concurrency)
        self.fetcher = fetcher
        self.timeout = timeout
        self.progress = progress
    }

    /// Fetches the given pages, and the pages of the same site that are up to `depth` links away.
    func run(_ addresses: Addresses, depth: Int) throws {
        var links = try visit(pulling: addresses.next) { [self] in visit($0, finds: depth > 0 ? .links : .nothing) }
        var rest = depth
        while rest > 0, !links.isEmpty {
            rest -= 1
            progress.total += links.count
            left -= links.count
            let finds: Finds = rest > 0 ? .linksOfSite : .nothing
            var next = links.makeIterator()
            links = try visit(pulling: { next.next() }) { [self] in visit($0.description, finds: finds) }
        }
    }

    /// The result of one address.
    private struct Visit {
        let address: String
        let url: URL?
        let page: Result<Page, any Error>
        let time: Duration
        let links: [URL]
    }

    private enum Finds {
        case nothing
        /// The site is the one that redirects lead to.
        case links
        /// Links only if no redirect leads to another site.
        case linksOfSite
    }

    /// Visits the addresses concurrently, and prints each result in order.
    private func visit<Address>(
        pulling next: @escaping () throws -> Address?,
        _ visit: @escaping (Address) -> Visit
    ) throws -> [URL] {
        let visits = pool.map(pulling: next, visit)
        var found: Set<URL> = []
        var links: [URL] = []
        while let visit = try visits.next() {
            show(visit)
            known.formUnion([visit.url, try? visit.page.get().url].compactMap(\.self))
            for link in visit.links where links.count < left && !known.contains(link) && found.insert(link).inserted {
                links.append(link)
            }
        }
        // Only after all visits: one of the pages may link to another one.
        return links.filter { known.insert($0).inserted }
    }

    private func visit(_ address: String, finds: Finds) -> Visit {
        progress.running += 1
        defer { progress.running -= 1 }
        let start = ContinuousClock.now
        let url = Result { try URL(parsing: address) }
        let page = Result {
            try withTimeout(timeout, throwing: CrawlError("it exceeds the time limit of \(seconds(timeout))")) {
                try fetcher.fetch(url.get(), findingLinks: finds != .nothing)
            }
        }
        var links: [URL] = []
        if let url = try? url.get(), let page = try? page.get(), finds == .links || page.url.isOnSite(of: url) {
            links = page.links.filter { $0.isOnSite(of: page.url) }
        }
        return Visit(address: address, url: try? url.get(), page: page, time: .now - start, links: links)
    }

    private func show(_ visit: Visit) {
        let time = column(Int(visit.time / .milliseconds(1)), 6)
        progress.done += 1
        switch visit.page {
        case .success(let page):
            progress.failed += page.status >= 400 ? 1 : 0
            let target = page.url == visit.url ? "" : " -> \(page.url)"
            progress.print("\(page.status) \(column(page.size, 9)) B \(time) ms  \(visit.address)\(target)")
        case .failure(let error):
            progress.failed += 1
            progress.print("--- \(column("-", 9)) B \(time) ms  \(visit.address): \(error)")
        }
    }
}
