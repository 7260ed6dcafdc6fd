// Producers, a bounded queue, workers: how green threads share out work.
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

            Producers put the lines of files, or numbers, into a queue; workers take them out and work on them. "-" is
            standard input. Ctrl-C lets the workers finish what is in the queue, a second one does not.

              --producers N   how many put items into the queue (2)
              --workers N     how many take them out (4)
              --capacity N    how many items the queue holds; with 0 they go from hand to hand (16)
              --timeout S     seconds that one item may take (10)
              --items N       how many numbers, where there is no FILE (100)
              --work MS       milliseconds of work that an item is (10)
              --to HOST:PORT  in place of that: sends it to a server and reads a line as its answer
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
        note("\(try signals.next()): finishing what is in the queue")
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
