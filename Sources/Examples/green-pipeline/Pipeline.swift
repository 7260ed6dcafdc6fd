import Green
import GreenExampleSupport

/// The result of one item.
struct Outcome {
    let item: String
    let worker: Int
    let result: Result<String, any Error>
}

/// Producers put items into a bounded queue. Workers take them out, process them, and put the results into a second
/// queue.
final class Pipeline {
    private let input: Input
    private let items: Queue<String>
    private let outcomes: Queue<Outcome>
    private var producers: [GreenThread<Void>] = []
    private var workers: [GreenThread<Void>] = []

    /// The maximum number of items that were in the queue.
    private(set) var most = 0
    /// How often a producer found the queue full, and the total time that producers waited for room.
    private(set) var waits = 0
    private(set) var waited = Duration.zero

    init(input: Input, capacity: Int) {
        self.input = input
        items = Queue(capacity: capacity)
        outcomes = Queue(capacity: capacity)
    }

    /// Starts producers and workers. Each worker processes items with its own `Work`, each within the timeout.
    func start(producers: Int, workers: Int, timeout: Duration, work: () -> Work) {
        self.producers = (1...producers).map { number in
            spawn(name: "producer \(number)") { [self] in try input.forEach(put) }
        }
        self.workers = (1...workers).map { number in
            let work = work()
            return spawn(name: "worker \(number)") { [self] in try run(number, work, timeout) }
        }
        // When all producers have ended, the queue of items is closed; when all workers have ended, the queue of
        // outcomes.
        detach(name: "end of the pipeline") { [self] in
            waitForAll(self.producers)
            items.close()
            waitForAll(self.workers)
            outcomes.close()
        }
    }

    /// Returns the next outcome of any worker, or nil at the end. Blocks.
    func next() throws -> Outcome? {
        try outcomes.next()
    }

    /// Stops the producers. The workers finish the items in the queue.
    func drain() throws {
        for producer in producers {
            try producer.kill()
        }
    }

    /// Puts an item into the queue. Blocks while the queue is full, so the producer stops reading its file: this is
    /// back-pressure.
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
            if case .failure(let error) = result, isInterrupt(error) {
                throw error  // of the worker, not of the item
            }
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
