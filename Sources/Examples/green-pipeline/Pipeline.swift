import Green
import GreenExampleSupport

/// What came of one item.
struct Outcome {
    let item: String
    let worker: Int
    let result: Result<String, any Error>
}

/// Producers put items into a bounded queue; workers take them out, work on them, and put what came of it into a second
/// queue, for whoever runs the pipeline.
final class Pipeline {
    private let input: Input
    private let items: Queue<String>
    private let outcomes: Queue<Outcome>
    private var producers: [GreenThread<Void>] = []
    private var workers: [GreenThread<Void>] = []

    /// The most items that were in the queue at one time.
    private(set) var most = 0
    /// How often a producer found the queue full, and how long all of them have waited for room.
    private(set) var waits = 0
    private(set) var waited = Duration.zero

    init(input: Input, capacity: Int) {
        self.input = input
        items = Queue(capacity: capacity)
        outcomes = Queue(capacity: capacity)
    }

    /// Starts so many producers and workers. What one worker does, and for how long at most for one item, is up to it.
    func start(producers: Int, workers: Int, timeout: Duration, work: () -> Work) {
        self.producers = (1...producers).map { number in
            spawn(name: "producer \(number)") { [self] in try input.forEach(put) }
        }
        self.workers = (1...workers).map { number in
            let work = work()
            return spawn(name: "worker \(number)") { [self] in try run(number, work, timeout) }
        }
        // The end goes the way of the items: no producers, no more items; no workers, no more outcomes.
        detach(name: "end of the pipeline") { [self] in
            waitForAll(self.producers)
            items.close()
            waitForAll(self.workers)
            outcomes.close()
        }
    }

    /// The next outcome, of whichever worker; nil at the end. Blocks.
    func next() throws -> Outcome? {
        try outcomes.next()
    }

    /// Lets the producers stop where they are. The workers finish what is in the queue.
    func drain() throws {
        for producer in producers {
            try producer.kill()
        }
    }

    /// Puts an item into the queue. With the queue full it waits, and so does the file that the producer reads from:
    /// this is all that back-pressure is.
    private func put(_ item: String) throws {
        if try !items.tryPut(item) {
            waits += 1
            let start = ContinuousClock.now
            defer { waited += .now - start }
            try items.put(item)
        }
        most = max(most, items.count)
    }

    private func run(_ number: Int, _ work: Work, _ timeout: Duration) throws {
        while let item = try items.next() {
            let result = Result { try withTimeout(timeout) { try work.result(of: item) } }
            try outcomes.put(Outcome(item: item, worker: number, result: result))
        }
    }

    private func waitForAll(_ threads: [GreenThread<Void>]) {
        for thread in threads {
            do {
                try thread.wait()
            } catch is GreenExit {
                // It was drained.
            } catch {
                note("\(thread): \(error)")
            }
        }
    }
}
