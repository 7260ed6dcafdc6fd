// Runs many transfers concurrently on one OS thread, with an unmodified libcurl.
import Glibc
import Green
import GreenExampleSupport

func fetchAll() throws {
    let options = Options(
        "concurrency",
        "timeout",
        "ca",
        takesOperands: true,
        usage: """
            usage: green-curl [OPTION VALUE]... URL...

            Fetches pages concurrently with the blocking calls of the system's libcurl (libcurl.so.4) on one OS thread.
            Prints a line for each page, in the order of the URLs: the status, the size, the time, the URL and an error.
            Then prints the elapsed time, and the sum of the times of all pages. The exit code is 1 if a page has an
            error or a status of at least 400.

              --concurrency N   maximum number of pages to fetch at the same time (100)
              --timeout S       time limit for a page in seconds (30)
              --ca FILE         file with the trusted authorities for https (libcurl's)
            """
    )
    guard !options.operands.isEmpty else { options.end(2, "missing URL") }
    let timeout = options["timeout", default: .seconds(30)]
    let pool = GreenPool(size: options["concurrency", default: 100])
    let curl = try Curl()

    let start = ContinuousClock.now
    let answers = pool.map(options.operands) { url in
        let begin = ContinuousClock.now
        let answer = Result { try curl.fetch(url, timeout: timeout, trusting: options["ca"]) }
        return (url, answer, ContinuousClock.now - begin)
    }
    var (failed, sum) = (0, Duration.zero)
    while let (url, answer, time) = try answers.next() {
        let milliseconds = column(Int(time / .milliseconds(1)), 6)
        sum += time
        switch answer {
        case .success(let page):
            failed += page.status >= 400 ? 1 : 0
            say("\(page.status) \(column(page.size, 9)) B \(milliseconds) ms  \(url)")
        case .failure(let error):
            failed += 1
            say("--- \(column("-", 9)) B \(milliseconds) ms  \(url): \(error)")
        }
    }
    let wall = seconds(.now - start)
    note("pages: \(options.operands.count), failed: \(failed), in \(wall); sum of all pages: \(seconds(sum))")
    finish(failed > 0 ? 1 : 0)
}

run(fetchAll)
