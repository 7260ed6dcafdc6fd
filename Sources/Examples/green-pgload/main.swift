// Many queries of PostgreSQL at one time, on one OS thread, by an unmodified libpq.
import Glibc
import Green
import GreenExampleSupport

func load() throws {
    let options = Options(
        "connections",
        "queries",
        "sleep",
        "connection-string",
        usage: """
            usage: green-pgload [OPTION VALUE]...

            Opens connections to a PostgreSQL server and runs queries on all of them at one time, by the blocking calls of
            the system's libpq (libpq.so.5) and on one OS thread. Prints how long that took, and the sum of what each of
            the connections took. The exit code is 1 when one of them or a query failed.

              --connections N           how many connections (100)
              --queries N               how many queries on each, one after the other (1)
              --sleep S                 seconds, above 0, that the server sleeps in each query (0.2)
              --connection-string TEXT  which server, as libpq has it; the environment (PGHOST and so on) says the rest
            """
    )
    let (connections, queries) = (options["connections", default: 100, atMost: 100_000], options["queries", default: 1])
    let query = "SELECT pg_sleep(\(options["sleep", default: .milliseconds(200)] / .seconds(1)))"
    let server = options["connection-string"] ?? ""
    let postgres = try Postgres()

    var (done, failures, sum) = (0, [String](), Duration.zero)
    let pool = GreenPool(size: connections)
    let start = ContinuousClock.now
    for _ in 0..<connections {
        try pool.detach {
            let begin = ContinuousClock.now
            defer { sum += .now - begin }
            do {
                try postgres.withConnection(to: server) { connection in
                    for _ in 0..<queries {
                        try connection.run(query)
                        done += 1
                    }
                }
            } catch {
                failures.append("\(error)")
            }
        }
    }
    try pool.waitAll()
    let wall = ContinuousClock.now - start

    for failure in Set(failures).sorted() {
        note("\(failures.count { $0 == failure }) times: \(failure)")
    }
    say("\(connections) connections, \(done) queries, \(failures.count) failed: \(seconds(wall))")
    say("the sum of what each connection took: \(seconds(sum))")
    finish(failures.isEmpty ? 0 : 1)
}

run(load)
