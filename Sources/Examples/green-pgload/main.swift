// Runs many queries of PostgreSQL concurrently on one OS thread, with an unmodified libpq.
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

            Opens connections to a PostgreSQL server and runs queries on all of them concurrently, with the blocking
            calls of the system's libpq (libpq.so.5) on one OS thread. Prints the elapsed time, and the sum of the times
            of all connections. The exit code is 1 if a connection or a query failed.

              --connections N           number of connections (100)
              --queries N               number of queries on each connection, one after the other (1)
              --sleep S                 seconds that the server sleeps in each query, above 0 (0.2)
              --connection-string TEXT  libpq connection string; the environment (PGHOST and so on) sets the rest
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
            } catch  where !isInterrupt(error) {
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
    say("sum of the times of all connections: \(seconds(sum))")
    finish(failures.isEmpty ? 0 : 1)
}

run(load)
