import Green
import Testing

/// Many threads that share few resources, with random kills, timeouts, failures and resizes.
@Suite("A resource pool under stress")
struct ResourcePoolStressTests {
    struct Case: CustomTestStringConvertible {
        let seed: UInt64
        let order: ResourcePool<Workshop.Thing>.Order
        let maximumIdle: Duration?
        let maximumAge: Duration?

        var testDescription: String {
            "\(seed), \(order), idle \(maximumIdle, default: "forever"), age \(maximumAge, default: "any")"
        }
    }

    static let cases = (1...24 as ClosedRange<UInt64>).map { seed in
        Case(
            seed: seed,
            order: seed.isMultiple(of: 2) ? .lifo : .fifo,
            maximumIdle: [nil, .microseconds(50), .zero][Int(seed % 3)],
            maximumAge: seed % 4 == 0 ? .microseconds(200) : nil
        )
    }

    @Test(arguments: cases)
    func `serves all threads in order and loses nothing`(_ test: Case) throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(
                maximum: 4,
                order: test.order,
                maximumIdle: test.maximumIdle,
                maximumAge: test.maximumAge
            )
            let stress = Stress(workshop, pool, seed: test.seed)
            try stress.run()
            #expect(stress.complaints.isEmpty)
            #expect(stress.workers.allSatisfy { $0.served == 10 }, "all workers were served")
            #expect(workshop.most <= 4)
            #expect(pool.count == workshop.alive)
            #expect(pool.count == pool.idleCount, "all resources were put back")
            #expect(pool.waitingCount == 0)
            let things = try (0..<4).map { _ in try pool.get(timeout: .zero) }
            #expect(pool.figures == [4, 0, 0, 0], "no place was lost")
            things.forEach(pool.put)
        }
    }
}

/// Workers that use resources, and a thread that disturbs them.
private final class Stress {
    final class Worker {
        let number: Int
        var thread: GreenThread<Void>?
        var served = 0

        /// Whether others may be served before it, because it was killed or may time out.
        var mayBePassed = false

        /// The number of actions when it came, which shows whether it had to wait.
        var arrival = 0

        init(_ number: Int) {
            self.number = number
        }
    }

    let workshop: Workshop
    let pool: ResourcePool<Workshop.Thing>
    let workers = (0..<50).map(Worker.init)
    private(set) var complaints: [String] = []

    private var chance: Chance

    /// The workers that requested a resource and were not served, in order.
    private var line: [Worker] = []

    /// The number of actions of all threads.
    private var events = 0
    private let current = GreenLocal<Worker>()

    init(_ workshop: Workshop, _ pool: ResourcePool<Workshop.Thing>, seed: UInt64) {
        self.workshop = workshop
        self.pool = pool
        chance = Chance(seed: seed)
    }

    /// True at random, once in the given number of times on average.
    private func happens(onceIn times: UInt64) -> Bool {
        chance.next() % times == 0
    }

    func run() throws {
        workshop.onMake = { [unowned self] in try make() }
        workshop.onDestroy = { [unowned self] in pause() }
        for worker in workers {
            worker.thread = spawn { [unowned self] in
                current.value = worker
                for _ in 0..<1000 where worker.served < 10 {
                    work(worker)
                }
            }
        }
        // A worker that is killed before it begins never runs.
        try GreenThread.yield()
        while workers.contains(where: { !$0.thread!.isFinished }) {
            try disturb()
        }
        for worker in workers {
            try? worker.thread?.wait()
        }
        pool.resize(to: 4)
        workshop.onMake = {}
        workshop.onDestroy = {}
        // The timer may be destroying a resource.
        for _ in 0..<1000 where pool.count > pool.idleCount {
            try GreenThread.yield()
        }
    }

    private func disturb() throws {
        if happens(onceIn: 6), let worker = workers.randomElement(using: &chance) {
            worker.mayBePassed = true
            try worker.thread?.kill(throwing: Mistake(number: worker.number))
        }
        if happens(onceIn: 20) {
            pool.resize(to: Int(chance.next() % 5))
        }
        if happens(onceIn: 40) {
            pool.clear()
        }
        if pool.maximum == 0 {
            pool.resize(to: 4)
        }
        try GreenThread.yield()
    }

    /// Gets a resource, uses it, and gives it back.
    private func work(_ worker: Worker) {
        let timeout: Duration? = happens(onceIn: 4) ? .microseconds(Int(chance.next() % 300)) : nil
        worker.mayBePassed = timeout != nil
        events += 1
        worker.arrival = events
        line.append(worker)
        defer { line.removeAll { $0 === worker } }
        do {
            if happens(onceIn: 2) {
                try pool.withItem(timeout: timeout) { try use($0, worker) }
            } else {
                let thing = try pool.get(timeout: timeout)
                do {
                    try use(thing, worker)
                } catch {
                    pool.discard(thing)
                    return
                }
                pool.put(thing)
            }
        } catch {
            // A kill, a timeout, or a failed creation.
        }
    }

    private func use(_ thing: Workshop.Thing, _ worker: Worker) throws {
        serve(worker)
        worker.served += 1
        if thing.isInUse {
            complaints.append("thing \(thing.number) is in use by two")
        }
        thing.isInUse = true
        defer { thing.isInUse = false }
        for _ in 0..<chance.next() % 3 {
            try GreenThread.yield()
        }
        if happens(onceIn: 10) {
            try GreenThread.sleep(for: .microseconds(Int(chance.next() % 200)))
        }
        if happens(onceIn: 10) {
            throw Mistake(number: 0)
        }
    }

    private func make() throws {
        if let worker = current.value {
            serve(worker)
        }
        if happens(onceIn: 2) {
            try GreenThread.yield()
        }
        if happens(onceIn: 5) {
            throw Mistake(number: -1)
        }
    }

    private func pause() {
        if let worker = current.value {
            serve(worker)
        }
        if happens(onceIn: 2) {
            // The destroying thread may be killed. It continues.
            try? GreenThread.yield()
        }
    }

    /// Checks the order when a worker has a place in the pool.
    ///
    /// If it had to wait, no worker that came before it still waits, except those that may be overtaken. Otherwise no
    /// worker waits: the others have a place and have not run yet.
    private func serve(_ worker: Worker) {
        defer { events += 1 }
        guard let place = line.firstIndex(where: { $0 === worker }) else { return }
        line.remove(at: place)
        if worker.arrival == events {
            if pool.waitingCount > 0 {
                complaints.append("\(worker.number) was served while \(pool.waitingCount) wait")
            }
        } else if let other = line[..<place].first(where: { !$0.mayBePassed }) {
            complaints.append("\(worker.number) was served before \(other.number)")
        }
    }
}
