// Producers, a bounded queue and workers: how green threads divide work.
import Glibc
import Green
import GreenExampleSupport

func pipeline() throws {
    let options = Options(
        "producers",
        "workers",
        "capacity",
        "timeout",
        "items",
        "work",
        "to",
        takesOperands: true,
        usage: """
            usage: green-pipeline [OPTION VALUE]... [FILE]...

            Producers put the lines of files, or numbers, into a queue; workers take them out and process them. "-" is
            standard input. On Ctrl-C, the workers finish the items in the queue; a second Ctrl-C exits at once.

              --producers N   number of producers (2)
              --workers N     number of workers (4)
              --capacity N    maximum number of items in the queue; 0 makes it a rendezvous (16)
              --timeout S     time limit for an item in seconds (10)
              --items N       number of items if there is no FILE (100)
              --work MS       duration of the work on an item in milliseconds (10)
              --to HOST:PORT  send each item to a server instead, and read a line as its answer
            """
    )
    let capacity = options["capacity", default: 16, atLeast: 0]
    let timeout = options["timeout", default: .seconds(10)]
    let time = Duration.milliseconds(options["work", default: 10, atLeast: 0])
    let input = Input(paths: options.operands, numbers: options["items", default: 100])
    let (producers, workers) = (
        options["producers", default: 2, atMost: 100_000], options["workers", default: 4, atMost: 100_000]
    )
    let signals = try Signals([.interrupt, .terminate])
    let start = ContinuousClock.now
    let pipeline = Pipeline(input: input, capacity: capacity)
    pipeline.start(producers: producers, workers: workers, timeout: timeout) {
        Work(server: options["to"], time: time)
    }

    detach(name: "signals") {
        note("\(try signals.next()): finishing the items in the queue")
        detach(name: "second signal") {
            try signals.next()
            exit(1)
        }
        try pipeline.drain()
    }

    var (done, failed, late) = (0, 0, 0)
    while let outcome = try pipeline.next() {
        switch outcome.result {
        case .success(let result):
            done += 1
            say("worker \(outcome.worker): \(outcome.item) -> \(result)")
        case .failure(let error):
            failed += 1
            late += isTimeout(error) ? 1 : 0
            say("worker \(outcome.worker): \(outcome.item) failed: \(error)")
        }
    }
    note("items: \(done + failed), failed: \(failed), of these timed out: \(late), in \(seconds(.now - start))")
    note(
        "queue: held \(pipeline.most) of \(capacity) at most; "
            + "producers waited for room: \(pipeline.waits) times, \(seconds(pipeline.waited)) in all"
    )
    finish(failed + input.failures > 0 ? 1 : 0)
}

run(pipeline)
