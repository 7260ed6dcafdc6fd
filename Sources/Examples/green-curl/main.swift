// Many transfers at one time, on one OS thread, by an unmodified libcurl.
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

            Fetches pages at one time by the blocking calls of the system's libcurl (libcurl.so.4), on one OS thread, and
            prints a line for each, in the order they are given: the status, the size, the time it took, and the URL, with
            what went wrong. Then it tells how long all of it took, and the sum of what each of them took. The exit code is
            1 when there was an error, or a status from 400 on.

              --concurrency N   how many pages to fetch at one time (100)
              --timeout S       seconds that one page may take (30)
              --ca FILE         whom to trust by https, a file of authorities (libcurl's)
            """
    )
    guard !options.operands.isEmpty else { options.end(2, "there is no URL") }
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
    note("pages: \(options.operands.count), failed: \(failed), in \(wall); the sum of what each took: \(seconds(sum))")
    finish(failed > 0 ? 1 : 0)
}

run(fetchAll)
